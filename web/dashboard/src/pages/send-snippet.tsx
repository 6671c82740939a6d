import { Code } from "../ui/code";

/** How to send an event, for a terminal. */
export function SendSnippet() {
  const text = `curl -X POST ${location.origin}/server/incoming_data \\
  -H 'Authorization: Bearer TOKEN' \\
  -H 'Content-Type: application/json' \\
  -H 'Event-Type: order.created' \\
  -d '{"order": 1, "total": 12.50}'`;
  return (
    <div className="snippet">
      <Code text={text} label="the command that sends an event" />
    </div>
  );
}
