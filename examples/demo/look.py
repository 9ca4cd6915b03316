"""Colours, fonts and spacing. Fonts are those of the visitor's system: nothing is fetched."""

from __future__ import annotations

import gradio as gr

FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")
MONO_FONTS = ("ui-monospace", "SFMono-Regular", "Consolas", "monospace")

CSS = """
.gradio-container { max-width: 1240px !important; margin: 0 auto !important; }
footer { margin-top: 8px !important; }
footer .divider { display: none; }
#title { padding: 4px 0 0; }
#title h1 { font-size: 1.45rem; font-weight: 700; letter-spacing: -0.02em; margin: 0; }
#title p { color: var(--body-text-color-subdued); margin: 2px 0 0; }
#workbench { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); }
#workbench > .column { min-width: 0 !important; }
#examples > .gallery { display: grid; grid-template-columns: repeat(6, 1fr); gap: 6px; }
#examples .gallery-item, #examples .gallery-item span { display: block; width: 100%; }
#examples .container { width: 100%; height: auto; aspect-ratio: 1; }
#examples img { width: 100%; height: 100%; object-fit: cover; display: block; }
#examples .label { display: none; }
#report { color: var(--body-text-color-subdued); font-size: var(--text-sm); }
#downloads { gap: 8px; }
#downloads button { font-weight: 600; padding-left: 6px; padding-right: 6px; }
.two-columns { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); }
.two-columns > .column { min-width: 0 !important; }
.result-file .empty { min-height: 84px !important; }
@media (min-width: 860px) {
  #workbench {
    grid-template-columns: minmax(0, 4fr) minmax(0, 7fr);
    grid-template-areas: "source outcome" "settings outcome";
    grid-template-rows: auto 1fr;
  }
  .two-columns { grid-template-columns: minmax(0, 7fr) minmax(0, 4fr); }
  #source { grid-area: source; }
  #outcome { grid-area: outcome; }
  #settings { grid-area: settings; }
}
@media (max-width: 640px) {
  .gradio-container main { padding: 8px !important; }
  #photo { height: 200px !important; }
  #result { height: 260px !important; }
}
"""


def theme() -> gr.themes.Base:
    """A quiet theme with one accent, for light and dark."""
    chosen = gr.themes.Default(
        primary_hue="indigo",
        secondary_hue="indigo",
        neutral_hue="zinc",
        radius_size="md",
        font=FONTS,
        font_mono=MONO_FONTS,
    )
    return chosen.set(
        # Small grey text of the original theme is hard to read on white.
        body_text_color_subdued="*neutral_500",
        button_large_text_size="*text_md",
    )
