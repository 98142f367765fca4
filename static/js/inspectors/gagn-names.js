// What nodes and classes are called: by their number here, and as the upload calls them.

/** The whole number that a text spells; NaN where it spells none, as 1e1 or an empty one. */
const whole = (text) => (/^\d{1,15}$/.test(text) ? Number(text) : NaN);

/** @param {{id: number[], name: string[] | null, class_name: string[] | null}} nodes */
export function names(nodes) {
  const byNumber = new Map(nodes.id.map((id, at) => [id, at]));
  const byName = new Map(nodes.name?.map((name, at) => [name, at]));
  return {
    node: (at) => (nodes.name ? `${nodes.id[at]} (${nodes.name[at]})` : String(nodes.id[at])),
    class: (label) => (label < 0 ? "unknown" : (nodes.class_name?.[label] ?? String(label))),
    /** The position of the node that a text means: its number goes first, as the page shows it. */
    find: (text) => byNumber.get(whole(text)) ?? byName.get(text),
  };
}

/** Whether an answer is "right" or "wrong"; nothing where the upload gives no label. */
export const judged = (answer, label) =>
  label < 0 ? "" : answer === label ? "right" : "wrong";
