// The last layer: int32 of the golden model and of the RTL, and the float network's own.

import { chart } from "../charts.js";
import { short } from "../scale.js";

/** @param {any} overview */
export function logits({ classes, task }) {
  const pick = (selector) => document.querySelector(selector);
  const layout = { xaxis: { type: "category" }, barmode: "group" };
  const of = task === "anomaly" ? "Score" : "Logits";
  const integer = chart(pick("[data-logits]"), { title: `${of}, integer`, unit: "int32", traces: [], layout });
  const float = chart(pick("[data-float-logits]"), { title: `${of}, float`, traces: [], layout });
  const bars = (values, name, slot) => ({ type: "bar", name, slot, x: values.map((_, at) => classes[at] ?? "score"), y: values });

  return {
    show({ logits: { golden, rtl, float: real }, verdict, label }) {
      integer.update([bars(golden, "golden", 5), ...(rtl ? [bars(rtl, "RTL", 1)] : [])]);
      const differing = rtl?.filter((value, at) => value !== golden[at]).length;
      const told = rtl ? `${differing ? `${differing} differ` : "equal in RTL"}` : "no RTL beside it";
      integer.say(`Verdict ${verdict}, label ${label ?? "unknown"}; largest ${short(Math.max(...golden))}, ${told}.`);
      float.update(real ? [bars(real, "float", 3)] : []);
      float.say(real ? "" : "The float network was not kept.");
    },
  };
}
