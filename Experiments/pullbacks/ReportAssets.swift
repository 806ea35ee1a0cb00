/// The report's looks and behaviour. Without the script everything is shown at once.
enum ReportAssets {
  static let style = """
    :root { --mix: 1; color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #c4322b; }
    * { box-sizing: border-box; }
    [hidden] { display: none !important; }
    body { margin: 0 auto; max-width: 76rem; padding: 0 1rem 3rem; font: 16px/1.45 system-ui, sans-serif; }
    h1 { font-size: 1.5rem; margin: 1.2rem 0 .2rem; }
    h2 { font-size: 1.2rem; margin: 0 0 .6rem; overflow-wrap: anywhere; }
    table + h2 { margin-top: 1.5rem; }
    h3 { font-size: 1rem; margin: 1rem 0 .5rem; }
    code, pre { font: .85em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
    pre { margin: 0; white-space: pre-wrap; background: var(--soft); padding: .6rem .8rem; border-radius: .4rem; }
    .controls { position: sticky; top: 0; z-index: 1; display: none; gap: .4rem 1.5rem; flex-wrap: wrap;
      align-items: center; padding: .6rem 0; background: Canvas; border-bottom: 1px solid var(--line); }
    .scripted .controls { display: flex; }
    .controls label { display: flex; align-items: center; gap: .4rem; }
    #mix { width: min(16rem, 40vw); accent-color: var(--accent); }
    fieldset { border: 0; padding: 0; margin: 0; display: flex; gap: 1rem; }
    .image { margin: 1.5rem 0; padding-bottom: 1rem; border-bottom: 1px solid var(--line); }
    .seen { display: flex; flex-wrap: wrap; gap: 1rem 1.5rem; align-items: flex-start; }
    .stack { position: relative; width: 100%; aspect-ratio: 1; background: var(--photo) center / 100% 100%;
      border-radius: .3rem; overflow: hidden; }
    .seen .stack { width: 14rem; max-width: 100%; }
    .stack img { position: absolute; inset: 0; width: 100%; height: 100%; opacity: var(--mix); }
    :root:not([data-view=raw]) .raw, :root[data-view=raw] .heat { display: none; }
    ol { list-style: none; margin: 0; padding: 0; flex: 1 1 16rem; max-width: 30rem; }
    ol li { display: grid; grid-template-columns: 1fr auto; gap: 0 .8rem; margin-bottom: .45rem; }
    .bar { grid-column: 1 / -1; height: .3rem; border-radius: .15rem; background: var(--soft); }
    .bar span { display: block; height: 100%; min-width: 1px; border-radius: inherit; background: var(--accent); }
    .chooser { display: none; margin: 1rem 0 0; }
    .scripted .chooser { display: block; }
    select { font: inherit; max-width: 100%; }
    .maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(14rem, 100%), 1fr)); gap: 1.2rem; }
    figure { margin: 0; min-width: 0; }
    figcaption { font-size: .85rem; margin-top: .3rem; overflow-wrap: anywhere; }
    figcaption b { font-size: 1rem; }
    figcaption div { opacity: .8; }
    table { border-collapse: collapse; font-size: .9rem; width: 100%; }
    th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0;
      border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
    th { font-weight: 600; min-width: 7rem; white-space: nowrap; }
    .text { font-size: 1.15rem; line-height: 1.8; overflow-wrap: anywhere; }
    .word { padding: .15em 0; border-radius: .15em; }
    summary { cursor: pointer; padding: .3rem 0; }
    @media print { .controls { display: none !important; } }
    """

  static let script = """
    "use strict";
    const root = document.documentElement;
    root.classList.add("scripted");
    const mix = document.getElementById("mix");
    const blend = () => root.style.setProperty("--mix", mix.value / 100);
    mix.addEventListener("input", blend);
    blend();
    for (const view of document.querySelectorAll("input[name=view]")) {
      const show = () => { if (view.checked) root.dataset.view = view.value; };
      view.addEventListener("change", show);
      show();
    }
    for (const image of document.querySelectorAll(".image")) {
      const chooser = image.querySelector("select");
      const choose = () => {
        for (const target of image.querySelectorAll(".target")) target.hidden = target.dataset.target !== chooser.value;
      };
      chooser.addEventListener("change", choose);
      choose();
    }
    """
}
