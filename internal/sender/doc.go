// Package sender makes one HTTP attempt at a destination: it builds the
// request, signs it, sends it and says what came of it. It knows nothing of
// deliveries, schedules or the database.
//
// What a receiver does, however hostile, is a [Result] and never an error: a
// status, or a [Class] that says why there is none. The text of net/http's
// errors stays in here, because it names addresses and parts of URLs.
//
// The rules that hold whatever the receiver or the destination's owner does:
//
//   - A request is written to the network at most once for each [Sender.Send].
//     It goes to net/http in a form that net/http does not send again (a body
//     that is never nil and cannot be rewound). The one repetition is our own:
//     where a kept connection turned out to be closed and the connection's
//     own count proves that nothing of the request left us.
//   - Addresses that are not public are refused when they are dialled, on the
//     resolved address, unless the operator allowed their CIDR or that of the
//     account; where the system itself is, and metadata services of clouds, are
//     refused all the same ([Guard], [Own]).
//   - A connection that one account's networks opened is no other's.
//   - Redirects are not followed and proxies are not used.
//   - Everything ends at one deadline, and nothing is read without a bound.
//
// The status alone says how an attempt went. Once a status has come, a body that
// is endless, slow or breaks off changes nothing: what was read of it is kept
// and marked as truncated.
//
// Signatures are those of Standard Webhooks 1.0.0
// (https://github.com/standard-webhooks/standard-webhooks), symmetric ones (v1,
// HMAC-SHA256) and asymmetric ones (v1a, Ed25519), by the kind of each [Key].
package sender
