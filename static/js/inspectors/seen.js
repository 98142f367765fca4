// Questions that take long are asked once somebody looks at the place of their answer.

const NEAR = "200px"; // below the edge of the screen

/**
 * @param {Element} place
 * @param {(what: number) => void} ask
 * @returns {(what: number) => void} asks now, or as soon as the place comes into sight
 */
export function whenSeen(place, ask) {
  let seen = false;
  let due = null;

  function go() {
    if (!seen || due === null) return;
    const what = due;
    due = null;
    ask(what);
  }

  new IntersectionObserver(
    ([entry]) => {
      seen = entry.isIntersecting;
      go();
    },
    { rootMargin: NEAR },
  ).observe(place);
  return (what) => {
    due = what;
    go();
  };
}
