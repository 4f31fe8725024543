// The report's style: light and dark by the reader's own setting, readable on a narrow screen.

export const STYLE = `
:root{color-scheme:light dark;--bg:#fff;--fg:#1c1e21;--dim:#667;--line:#d9dce1;--soft:#f4f5f7;--ok:#1a7f37;--bad:#c4231b;
--warn:#9a6700;--in:#0b62c4;--out:#7a3fb3;--ack:#1a7f37;--win:#9aa5b1;--again:#d9480f;--mark:#fff1f0}
@media (prefers-color-scheme:dark){:root{--bg:#14161a;--fg:#e4e6ea;--dim:#9aa3ae;--line:#343941;--soft:#1d2026;--ok:#4cc26b;
--bad:#ff7b72;--warn:#d8a63a;--in:#6cb2ff;--out:#c69bff;--ack:#4cc26b;--win:#5d6773;--again:#ff9e64;--mark:#3a1d1d}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:90rem;padding:1rem;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.4rem;margin:.2rem 0}h2{font-size:1.1rem}
.totals b{margin-right:.8rem}.totals span,.runs .number,summary span{color:var(--dim)}
b.passed,.passed>td>b,details.passed>summary>b{color:var(--ok)}
b.failed,.failed>td>b,details.failed>summary>b{color:var(--bad)}
b.skipped,.skipped>td>b,details.skipped>summary>b{color:var(--warn)}
select,input{font:inherit;color:inherit;background:var(--soft);border:1px solid var(--line);border-radius:4px;padding:.15rem .4rem}
.tools label{margin-right:1rem}
table{border-collapse:collapse;width:100%}
th{text-align:left;font-weight:600;color:var(--dim)}
td,th{padding:.2rem .6rem .2rem 0;border-bottom:1px solid var(--line);vertical-align:top}
.number{text-align:right;white-space:nowrap}
a{color:inherit}
details{border:1px solid var(--line);border-radius:6px;margin:.8rem 0;padding:.4rem .8rem}
summary{cursor:pointer;font-weight:600}
pre,code,.script td{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre.reason{background:var(--mark);padding:.6rem;border-left:3px solid var(--bad);overflow-x:auto;white-space:pre-wrap}
details.skipped pre.reason{background:var(--soft);border-color:var(--warn)}
.script{margin-top:.6rem;table-layout:fixed}
.script td{padding:0 .6rem 0 0;border:0;white-space:pre-wrap;overflow-wrap:anywhere}
.script td.line{width:3.2rem;text-align:right;color:var(--dim);user-select:none}
.script td.text{width:52%}
.script tr.failed td{background:var(--mark)}
.script tr.failed td.line{box-shadow:inset 3px 0 var(--bad)}
.script tr.pending td{opacity:.55}
.script td.seen i{font-style:normal;color:var(--dim)}
.in{color:var(--in)}.out{color:var(--out)}.ignored{color:var(--dim)}.differs{color:var(--bad);font-weight:600}
.expected{color:var(--ok)}
figure{margin:.6rem 0;overflow-x:auto}
figcaption{color:var(--dim);font-size:.85rem}
svg{max-width:100%;height:auto;display:block}
svg text{font:11px system-ui,sans-serif;fill:var(--dim)}
svg .axis{stroke:var(--line)}svg .data{stroke:var(--out);stroke-width:3}svg .again{stroke:var(--again);stroke-width:3}
svg .wrong{stroke:var(--bad);stroke-width:4}svg .sack{stroke:var(--in);stroke-width:2;opacity:.7}
svg .ack{stroke:var(--ack);fill:none}svg .win{stroke:var(--win);fill:none;stroke-dasharray:3 2}
svg .flag{fill:var(--fg)}svg .drop{stroke:var(--bad)}
svg .key{stroke-width:3}
@media (max-width:50rem){.runs{display:block;overflow-x:auto}.script td.line{width:2rem}.script td.text{width:auto}}
`;
