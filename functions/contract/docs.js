// The page is one file for every installation: its address fills in the commands and the way back.
const base = location.origin + location.pathname.replace(/\/docs$/, "");
for (const one of document.querySelectorAll(".base")) one.textContent = base;
if (base === location.origin) document.getElementById("home").href = base.replace("//api.", "//");
