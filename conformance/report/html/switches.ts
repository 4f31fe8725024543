// The report's few lines of script: filtering, and opening the run that a link leads to. It works without them, too.

export const SWITCHES = `
const show=document.getElementById('show'),find=document.getElementById('find');
function apply(){const v=show.value,t=find.value.toLowerCase();
for(const e of document.querySelectorAll('[data-verdict]'))
e.hidden=(v!=='all'&&e.dataset.verdict!==v)||!e.dataset.name.toLowerCase().includes(t)}
show.onchange=find.oninput=apply;
function reveal(){const e=document.getElementById(location.hash.slice(1));if(e&&e.tagName==='DETAILS')e.open=true}
addEventListener('hashchange',reveal);reveal();
`;
