const a = await import(process.argv[2]); const N=200000; let best=1e9;
for(let k=0;k<6;k++) await a.run(async()=>{ const l=new a.Lock(); const t=performance.now(); for(let i=0;i<N;i++){ await l.acquire(); l.release(); } best=Math.min(best,(performance.now()-t)*1e6/N) });
console.log('lock async',best.toFixed(0));
