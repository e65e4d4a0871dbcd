/** Two palettes, after the reader's own setting; one column on a phone, contents beside the text on a screen. */
export const DOCS_STYLE = `
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#57606a;--line:#d0d7de;--box:#f6f8fa;--link:#0550ae;
--get:#0a5d2c;--post:#7a3b00;--delete:#a40e26}
@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--soft:#9da7b3;--line:#30363d;--box:#161b22;
--link:#79b8ff;--get:#56d364;--post:#f0a45d;--delete:#ff8f86}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0;background:var(--bg);color:var(--fg);font:1rem/1.55 system-ui,sans-serif}
a{color:var(--link)}
a:focus-visible,summary:focus-visible,pre:focus-visible,.scroll:focus-visible{outline:3px solid var(--link);
outline-offset:2px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:1rem;background:var(--bg);padding:.5rem}
header,main,nav{padding:1rem;max-width:60rem;margin:0 auto}
nav ul{list-style:none;margin:.2rem 0 1rem;padding:0}
nav li{margin:.15rem 0;overflow-wrap:anywhere}
h1{margin:0;font-size:1.6rem;line-height:1.2}
h2{margin:2.5rem 0 .5rem;padding-bottom:.3rem;border-bottom:1px solid var(--line);font-size:1.3rem}
h3{margin:2rem 0 .3rem;font-size:1.05rem;overflow-wrap:anywhere}
h4{margin:1rem 0 .3rem;font-size:.95rem}
p{margin:.4rem 0}
code,pre{font:.88em/1.5 ui-monospace,monospace}
code{background:var(--box);padding:.1em .3em;border-radius:4px;overflow-wrap:anywhere}
pre{background:var(--box);border:1px solid var(--line);border-radius:6px;padding:.7rem;overflow:auto}
pre code{background:none;padding:0;overflow-wrap:normal}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line)}
th{color:var(--soft);font-weight:600}
td:first-child{white-space:nowrap}
.soft{color:var(--soft)}
td:first-child .soft{display:block;font-size:.85em}
.GET{color:var(--get)}.POST{color:var(--post)}.DELETE{color:var(--delete)}
.GET,.POST,.DELETE{font-weight:700}
@media (min-width:70rem){
body{display:grid;grid-template-columns:19rem minmax(0,60rem);grid-template-rows:auto 1fr;justify-content:center}
header{grid-column:1/3;width:100%;max-width:79rem}
nav{position:sticky;top:0;align-self:start;max-height:100vh;overflow:auto;margin:0}
main{margin:0}
}
@media print{nav{display:none}}
`;

/** Base64 of the style's SHA-256, by which the page's policy allows it and no other. A test computes it anew. */
export const DOCS_STYLE_HASH = 'sha256-Uz213nRj2HEcHezys68/ZT49pFfnS5LkP8+2naTOvJ8=';
