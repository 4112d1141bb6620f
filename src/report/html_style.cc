#include "report/bidi.h"
#include "report/html_parts.h"

namespace assay::report::html {

std::string escape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (const size_t turning = turning_bytes(text.substr(i)); turning > 0) {
      out += '?';
      i += turning - 1;
      continue;
    }
    const char c = text[i];
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return out;
}

std::string_view style() {
  return R"css(
:root{color-scheme:light dark;--bg:#f6f5f1;--card:#fff;--ink:#1c1e23;--soft:#5d626d;--faint:#6a6f7a;--line:#e3e1da;
--red:#b3261e;--redbg:#fbe9e7;--amber:#8a5a00;--amberbg:#fdf1d8;--green:#1e6b45;--greenbg:#e3f3ea;--blue:#2b5fa8;
--bar:#a9bdd9;--band:#f3c969;--mono:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media(prefers-color-scheme:dark){:root{--bg:#14161a;--card:#1d2026;--ink:#e8e9ec;--soft:#a6abb6;--faint:#9297a3;
--line:#30343d;--red:#ff8a80;--redbg:#3a1f1e;--amber:#f2c268;--amberbg:#362b15;--green:#7fd3a5;--greenbg:#173022;
--blue:#8fb8f0;--bar:#4a6285;--band:#6b5420}}
*{box-sizing:border-box}
body{margin:0;overflow-wrap:break-word;background:var(--bg);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main,header,footer{max-width:1120px;margin:0 auto;padding:0 28px}
header{padding-top:40px}
h1{font-size:30px;line-height:1.2;margin:0 0 6px;letter-spacing:-.02em}
h2{font-size:22px;margin:0 0 2px;letter-spacing:-.01em;overflow-wrap:anywhere}
h3{font-size:13px;text-transform:uppercase;letter-spacing:.07em;color:var(--soft);margin:34px 0 12px;font-weight:650}
h4{font-size:15px;margin:18px 0 8px;font-weight:600}
p{margin:6px 0}.soft{color:var(--soft)}.small{font-size:13px}.faint{color:var(--faint)}
code,.mono{font-family:var(--mono);font-size:.92em}p code{overflow-wrap:anywhere}
.brand{font-weight:700;letter-spacing:.02em;color:var(--blue);font-size:14px;margin-bottom:14px}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:26px 30px 30px;margin:26px 0}
.lead{font-size:19px;margin:14px 0 4px;font-weight:550}
.toc{display:grid;gap:8px;margin-top:18px}
.toc a{display:flex;gap:14px;align-items:baseline;text-decoration:none;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px 16px}
.toc a b{font-weight:600}.toc a span{margin-left:auto}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(310px,1fr));gap:14px;margin-top:18px}
.card{border:1px solid var(--line);border-radius:11px;padding:14px 16px;border-left:5px solid var(--green)}
.card.risk{border-left-color:var(--amber)}.card.flip{border-left-color:var(--red)}
.card .name{font-family:var(--mono);font-size:14px;font-weight:600;overflow-wrap:anywhere}
.card .big{font-size:23px;font-weight:650;margin:4px 0 2px;letter-spacing:-.01em;color:var(--green)}
.card.risk .big{color:var(--amber)}.card.flip .big{color:var(--red)}
.card dl{display:grid;grid-template-columns:auto 1fr;gap:1px 12px;margin:8px 0 0;font-size:13px}
.card dt{color:var(--soft);white-space:nowrap}.card dd{margin:0;text-align:right;font-variant-numeric:tabular-nums}
.tag{display:inline-block;font:600 11px/1 system-ui,sans-serif;padding:3px 7px;border-radius:20px;background:var(--line);color:var(--soft);vertical-align:2px;margin-left:4px}
.tag.red{background:var(--redbg);color:var(--red)}.tag.amber{background:var(--amberbg);color:var(--amber)}
.tag.green{background:var(--greenbg);color:var(--green)}
.scroll{overflow-x:auto;background:linear-gradient(90deg,var(--card) 40%,transparent) left/36px 100% no-repeat local,linear-gradient(270deg,var(--card) 40%,transparent) right/36px 100% no-repeat local,linear-gradient(90deg,#8886,transparent) left/10px 100% no-repeat,linear-gradient(270deg,#8886,transparent) right/10px 100% no-repeat}.tall{max-height:430px;overflow:auto}
table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
th{font-weight:600;text-align:left;color:var(--soft);font-size:12px;border-bottom:1px solid var(--line);padding:6px 10px;white-space:nowrap;background:var(--card);position:sticky;top:0}
td{padding:6px 9px;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}.r{text-align:right}
td.r,td.n{white-space:nowrap}
.sets th:nth-child(-n+5),.optable th:nth-child(n+3):nth-child(-n+8),.ranks th:nth-child(n+3){text-align:right}
.matrices{display:grid;grid-template-columns:repeat(auto-fill,minmax(190px,1fr));gap:14px}
figure{margin:0}figcaption{font:600 12.5px/1.35 var(--mono);margin-bottom:7px;overflow-wrap:anywhere}
.cm{display:grid;grid-template-columns:54px 1fr 1fr;gap:3px;font-size:12px;text-align:center}
.cm .h{color:var(--soft);padding:2px}.cm .v{color:var(--soft);display:flex;align-items:center;justify-content:flex-end;padding-right:5px}
.cm .c{border-radius:6px;padding:8px 2px 6px;font-size:17px;font-weight:600;line-height:1.15;background:var(--bg)}
.cm .c small{display:block;font-weight:500;font-size:10.5px;color:var(--soft)}
.cm .c.good{background:var(--greenbg)}.cm .c.bad{background:var(--redbg)}
.delta{font-size:11px;font-weight:650;color:var(--red)}.metrics{font-size:12px;color:var(--soft);margin-top:6px}
svg{display:block;width:100%;height:auto}svg text{fill:var(--soft);font:11px system-ui,sans-serif}
svg .ink{fill:var(--ink);font-weight:600}svg .bar{fill:var(--bar)}svg .hit{fill:var(--red)}svg .band{fill:var(--band);opacity:.55}
svg .axis{stroke:var(--line);stroke-width:1}svg .cut{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:4 3}
details{border:1px solid var(--line);border-radius:9px;padding:9px 14px;margin:8px 0}
summary{cursor:pointer;font-weight:600;font-size:14px}
.legend{display:flex;gap:18px;font-size:12.5px;color:var(--soft);flex-wrap:wrap;margin:4px 0 10px}
.legend i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px;vertical-align:-1px}
footer{color:var(--faint);font-size:12.5px;padding-bottom:50px}
.skip{position:absolute;left:-999px}.skip:focus{left:12px;top:8px;background:var(--card);padding:6px 10px;z-index:9}
:focus-visible{outline:2.5px solid var(--blue);outline-offset:2px}
.tabs{display:none;flex-wrap:wrap;gap:4px;border-bottom:1px solid var(--line);margin-top:18px}.js .tabs{display:flex}
.tabs button{font:600 13.5px/1.2 system-ui,sans-serif;color:var(--soft);background:none;border:0;border-bottom:3px solid transparent;padding:9px 12px;cursor:pointer}
.tabs button[aria-selected=true]{color:var(--ink);border-bottom-color:var(--blue)}
.js .panel>h3{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
[hidden]{display:none!important}
.filters{display:none;flex-wrap:wrap;gap:8px 16px;align-items:center;font-size:13px;color:var(--soft);margin:12px 0}.js .filters{display:flex}
.filters input,.filters select{font:inherit;color:var(--ink);background:var(--bg);border:1px solid var(--line);border-radius:7px;padding:4px 8px;margin-left:4px;max-width:260px}
pre{background:var(--bg);border:1px solid var(--line);border-radius:9px;padding:10px 14px;white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px}
td img{display:block;image-rendering:pixelated;border-radius:4px}
.breaks{padding-left:20px}.breaks b{color:var(--red)}
.graph{overflow:auto;max-height:560px;border:1px solid var(--line);border-radius:9px;margin:8px 0}
.graph svg{margin:0 auto;max-width:none}.graph text{text-anchor:middle;pointer-events:none}.graph .e path{fill:none;stroke:var(--faint);stroke-width:1.2}
.front .steps{fill:none;stroke:var(--bar);stroke-width:2}
.n{cursor:pointer}.n rect{fill:var(--l0);stroke:var(--line)}.n.guilty rect{stroke:var(--amber);stroke-width:3}.n.breaks rect{stroke:var(--red);stroke-width:3;stroke-dasharray:5 3}
.n.on rect{stroke:var(--blue);stroke-width:4}.n text{fill:#3a3d45;font-size:10px}.n .ink{fill:#15171b;font-size:11.5px}
:root{--l0:#eef0f2;--l1:#a9d3f5;--l2:#c4e3c3;--l3:#f6e7a1;--l4:#f5bd83;--l5:#ee8f86}
[data-by=introduced] .i1 rect,[data-by=accumulated] .a1 rect,.l1{fill:var(--l1);background:var(--l1)}
[data-by=introduced] .i2 rect,[data-by=accumulated] .a2 rect,.l2{fill:var(--l2);background:var(--l2)}
[data-by=introduced] .i3 rect,[data-by=accumulated] .a3 rect,.l3{fill:var(--l3);background:var(--l3)}
[data-by=introduced] .i4 rect,[data-by=accumulated] .a4 rect,.l4{fill:var(--l4);background:var(--l4)}
[data-by=introduced] .i5 rect,[data-by=accumulated] .a5 rect,.l5{fill:var(--l5);background:var(--l5)}.l0{background:var(--l0)}
button.op{font:12.5px var(--mono);color:var(--blue);background:none;border:0;padding:0;cursor:pointer;text-align:left;overflow-wrap:anywhere}
.detail{display:none;border:1px solid var(--line);border-radius:9px;padding:8px 16px;margin:10px 0}.js .detail{display:block}
.detail dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;font-size:13px;margin:6px 0}.detail dt{color:var(--soft)}.detail dd{margin:0;overflow-wrap:anywhere}
.charts{display:flex;gap:30px;flex-wrap:wrap}.charts figure{width:250px}.charts figcaption{font-size:11.5px}
@media print{:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#111;--soft:#444;--faint:#666;--line:#ccc;--bar:#a9bdd9;--red:#a1160e;--amber:#7a4d00;--green:#14583a;--redbg:#fff;--amberbg:#fff;--greenbg:#fff;--blue:#1d4a8a;--band:#f3c969}
body{background:#fff;font-size:11px}main,header,footer{max-width:none;padding:0}section{border:0;padding:0}.tall,.graph{max-height:none;overflow:visible}
.tabs,.filters,.detail,.skip{display:none!important}.panel[hidden]{display:block!important}.js .panel>h3{position:static;width:auto;height:auto;clip-path:none}
.ops[hidden]{display:block!important}.graph svg{width:auto!important;max-width:100%;max-height:23cm}th{position:static}tr,figure,.card{break-inside:avoid}}
)css";
}

}  // namespace assay::report::html
