// Package httpapi is every door that speaks HTTP: the endpoint for incoming
// data, the seed system's doors for its clients, health, metrics, the contracts,
// and the way to GraphQL and the playground.
//
// A door tells errors in one of two forms. The native one is a problem document
// (RFC 9457). The seed's is {"status":false,"code","message"}, with the seed's
// own texts where it had some; unlike the seed's, its status codes are honest.
// Both take code and status from one table.
//
// What comes in is checked before it is believed: credentials first, then the
// media type, the size and the JSON itself. Nothing of a request but its method,
// its route and its account is ever logged: no query string, no header, no body.
package httpapi
