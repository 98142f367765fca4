// Sets the chosen theme before anything is painted. A classic script: modules run too late.
{
  const root = document.documentElement;
  root.classList.add("js");
  root.dataset.theme = localStorage.getItem("theme") ?? "auto";

  const mark = () => {
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === root.dataset.theme));
    }
  };
  document.addEventListener("DOMContentLoaded", mark);
  document.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-theme-choice]");
    if (!choice) return;
    root.dataset.theme = choice.dataset.themeChoice;
    localStorage.setItem("theme", root.dataset.theme);
    mark();
    document.dispatchEvent(new CustomEvent("themechange"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    document.dispatchEvent(new CustomEvent("themechange"));
  });
}
