(function(){
"use strict";
var body=document.body,task=body.dataset.task,bits=+body.dataset.bits,told=document.getElementById("told");
function say(text){told.textContent=text;}
var K=[],prime=2,first=[];
function part(x){return(x-Math.floor(x))*4294967296|0;}
for(;K.length<64;prime++){var is=true;for(var d=2;d*d<=prime;d++){if(prime%d===0){is=false;break;}}
if(is){if(first.length<8){first.push(part(Math.pow(prime,0.5)));}K.push(part(Math.pow(prime,1/3)));}}
function turn(x,n){return x>>>n|x<<32-n;}
function leading(text){
var n=text.length,blocks=(n+8>>6)+1,w=new Int32Array(blocks*16),i,j,m=new Int32Array(64),h=first.slice();
for(i=0;i<n;i++){w[i>>2]|=text.charCodeAt(i)<<24-i%4*8;}
w[n>>2]|=128<<24-n%4*8;w[blocks*16-1]=n*8;
for(j=0;j<blocks;j++){
for(i=0;i<16;i++){m[i]=w[j*16+i];}
for(i=16;i<64;i++){var a=m[i-15],b=m[i-2];m[i]=m[i-16]+(turn(a,7)^turn(a,18)^a>>>3)+m[i-7]+(turn(b,17)^turn(b,19)^b>>>10)|0;}
var v=h.slice();
for(i=0;i<64;i++){
var e=v[4],t=v[7]+(turn(e,6)^turn(e,11)^turn(e,25))+(e&v[5]^~e&v[6])+K[i]+m[i]|0,s=v[0];
var u=(turn(s,2)^turn(s,13)^turn(s,22))+(s&v[1]^s&v[2]^v[1]&v[2])|0;
v=[t+u|0,s,v[1],v[2],v[3]+t|0,e,v[5],v[6]];}
for(i=0;i<8;i++){h[i]=h[i]+v[i]|0;}}
return h[0];}
var tries=0;
try{tries=+sessionStorage.getItem("check-tries")||0;sessionStorage.setItem("check-tries",tries+1);}catch(_){}
if(tries>5){try{sessionStorage.removeItem("check-tries");}catch(_){}
say("The check did not succeed. Please allow cookies for this site and load the page again.");return;}
var number=0;
function work(){
for(var end=number+4000;number<end;number++){
if(leading(task+"."+number)>>>32-bits===0){return done();}}
setTimeout(work,0);}
function done(){
var pair="bartizan_answer="+task+"."+number;
document.cookie=pair+"; path=/; max-age=300; samesite=lax"+(location.protocol==="https:"?"; secure":"");
if(document.cookie.indexOf(pair)<0){say("This check needs cookies. Please allow them for this site and load the page again.");return;}
say("Done. The page is loaded again.");
location.reload();}
setTimeout(work,20);
})();
