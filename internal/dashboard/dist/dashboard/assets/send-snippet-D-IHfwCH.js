import{t as e}from"./code-CHzqDnfB.js";import{t}from"./jsx-runtime-DyZJNswf.js";var n=t();function r(){let t=`curl -X POST ${location.origin}/server/incoming_data \\
  -H 'Authorization: Bearer TOKEN' \\
  -H 'Content-Type: application/json' \\
  -H 'Event-Type: order.created' \\
  -d '{"order": 1, "total": 12.50}'`;return(0,n.jsx)(`div`,{className:`snippet`,children:(0,n.jsx)(e,{text:t,label:`the command that sends an event`})})}export{r as t};