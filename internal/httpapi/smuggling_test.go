package httpapi_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/httpapi"
	"datapusher/internal/ingest"
)

// A proxy that sees the end of a message elsewhere than we do must not make us see
// a request that it does not see. Behind each of these messages another one comes;
// where two readers could differ, the handler must not get it.
func TestNoRequestIsSmuggledBehindAnother(t *testing.T) {
	t.Parallel()
	const (
		ok, accepted, bad, unauthorized, tooLarge, unknownCoding, unknownVersion = http.StatusOK, http.StatusAccepted, http.StatusBadRequest,
			http.StatusUnauthorized, http.StatusRequestEntityTooLarge, http.StatusNotImplemented, http.StatusHTTPVersionNotSupported
		chunked = "Transfer-Encoding: chunked\r\n"
		seven   = "1\r\n7\r\n0\r\n\r\n"
		old     = "POST /server/incoming_data HTTP/1.0\r\nHost: x\r\nCL-X-TOKEN: jane\r\nConnection: keep-alive\r\n"
	)
	hidden := push + "Content-Length: 2\r\n\r\n99"
	length := func(n int) string { return "Content-Length: " + strconv.Itoa(n) + "\r\n\r\n" }
	for _, tt := range []struct {
		name    string
		message string
		want    []int // statuses; the last of two is that of the hidden one
		handled int64
	}{
		// where all readers agree
		{"a plain message", push + length(1) + "7", []int{accepted, accepted}, 2},
		{"an equal length twice", push + "Content-Length: 1\r\n" + length(1) + "7", []int{accepted, accepted}, 2},
		{"space around a length", push + "Content-Length: \t 1 \r\n\r\n7", []int{accepted, accepted}, 2},
		{"the absolute form", "POST http://y/server/incoming_data HTTP/1.1\r\nHost: x\r\nCL-X-TOKEN: jane\r\n" + length(1) + "7", []int{accepted, accepted}, 2},
		{"lines that end with LF", "POST /server/incoming_data HTTP/1.1\nHost: x\nCL-X-TOKEN: jane\nContent-Length: 1\n\n7", []int{accepted, accepted}, 2},
		// RFC 9112, section 5.2: a fold is replaced by a space
		{"a folded header", push + "X: a\r\n b\r\n" + length(1) + "7", []int{accepted, accepted}, 2},
		{"a body of a GET", "GET /healthz HTTP/1.1\r\nHost: x\r\n" + length(len(hidden)) + hidden, []int{ok, accepted}, 2},
		{"a body that is refused before it is read", "POST /server/incoming_data HTTP/1.1\r\nHost: x\r\nCL-X-TOKEN: wrong\r\n" + length(len(hidden)) + hidden,
			[]int{unauthorized, accepted}, 2},

		// two lengths
		{"Content-Length and chunked", push + "Content-Length: 4\r\n" + chunked + "\r\n0\r\n\r\n", []int{bad}, 1},
		{"chunked and Content-Length", push + chunked + length(6) + seven, []int{accepted}, 1},
		{"chunked", push + chunked + "\r\n" + seven, []int{accepted}, 1},
		{"chunked, in capitals", push + "TRANSFER-ENCODING: CHUNKED\r\n\r\n" + seven, []int{accepted}, 1},
		{"chunked in a folded line", push + "Transfer-Encoding:\r\n chunked\r\n\r\n" + seven, []int{accepted}, 1},
		{"chunked behind a LF", push + "X: a\nTransfer-Encoding: chunked\r\n" + length(6) + seven, []int{accepted}, 1},
		{"chunked and a length that is none", push + chunked + "Content-Length: x\r\n\r\n" + seven, []int{bad}, 0},
		{"different lengths", push + "Content-Length: 1\r\n" + length(2) + "77", []int{bad}, 0},
		{"different lengths in one line", push + "Content-Length: 1, 2\r\n\r\n77", []int{bad}, 0},
		{"equal lengths in one line", push + "Content-Length: 1, 1\r\n\r\n7", []int{bad}, 0},
		{"a length behind a LF", push + "X: a\nContent-Length: 0\r\n" + length(1) + "7", []int{bad}, 0},

		// lengths that are none
		{"a negative length", push + "Content-Length: -1\r\n\r\n7", []int{bad}, 0},
		{"a length with a plus", push + "Content-Length: +1\r\n\r\n7", []int{bad}, 0},
		{"a hexadecimal length", push + "Content-Length: 0x1\r\n\r\n7", []int{bad}, 0},
		{"an empty length", push + "Content-Length: \r\n\r\n7", []int{bad}, 0},
		{"a length with an underscore", push + "Content-Length: 1_0\r\n\r\n7", []int{bad}, 0},
		{"a length beyond 64 bits", push + "Content-Length: 18446744073709551617\r\n\r\n7", []int{bad}, 0},
		{"a length with a fraction", push + "Content-Length: 1.0\r\n\r\n7", []int{bad}, 0},

		// codings that are none
		{"identity", push + "Transfer-Encoding: identity\r\n" + length(1) + "7", []int{unknownCoding}, 0},
		{"another coding", push + "Transfer-Encoding: xchunked\r\n" + length(1) + "7", []int{unknownCoding}, 0},
		{"chunked and another", push + "Transfer-Encoding: chunked, identity\r\n\r\n" + seven, []int{unknownCoding}, 0},
		{"chunked twice", push + chunked + chunked + "\r\n" + seven, []int{unknownCoding}, 0},
		{"two codings", push + chunked + "Transfer-Encoding: x\r\n\r\n" + seven, []int{unknownCoding}, 0},
		{"a parameter", push + "Transfer-Encoding: chunked;q=1\r\n\r\n" + seven, []int{unknownCoding}, 0},
		{"a vertical tab", push + "Transfer-Encoding: \vchunked\r\n\r\n" + seven, []int{bad}, 0},
		{"quotes", push + "Transfer-Encoding: \"chunked\"\r\n\r\n" + seven, []int{unknownCoding}, 0},
		{"an empty coding", push + "Transfer-Encoding:\r\n" + length(1) + "7", []int{unknownCoding}, 0},

		// chunks
		{"an extension", push + chunked + "\r\n1;a=b\r\n7\r\n0\r\n\r\n", []int{accepted}, 1},
		{"an extension that ends with LF", push + chunked + "\r\n1;a\n7\r\n0\r\n\r\n", []int{bad}, 1},
		{"a size that ends with LF", push + chunked + "\r\n1\n7\r\n0\r\n\r\n", []int{bad}, 1},
		{"a hexadecimal mark", push + chunked + "\r\n0x1\r\n7\r\n0\r\n\r\n", []int{bad}, 1},
		{"a size with a plus", push + chunked + "\r\n+1\r\n7\r\n0\r\n\r\n", []int{bad}, 1},
		{"a negative size", push + chunked + "\r\n-1\r\n7\r\n0\r\n\r\n", []int{bad}, 1},
		{"a size beyond 64 bits", push + chunked + "\r\n10000000000000001\r\n7\r\n0\r\n\r\n", []int{bad}, 1},
		{"no line break behind a chunk", push + chunked + "\r\n1\r\n70\r\n\r\n", []int{bad}, 1},
		{"a trailer", push + chunked + "\r\n1\r\n7\r\n0\r\nX: y\r\n\r\n", []int{accepted}, 1},
		{"a length as a trailer", push + chunked + "Trailer: Content-Length\r\n\r\n1\r\n7\r\n0\r\nContent-Length: 5\r\n\r\n", []int{bad}, 0},
		{"no last chunk", push + chunked + "\r\n1\r\n7\r\n", []int{bad}, 1},

		// HTTP/1.0, which knows no chunks
		{"1.0 that wants to be kept", old + length(1) + "7", []int{accepted}, 1},
		{"1.0 and chunked", old + chunked + "\r\n0\r\n\r\n", []int{bad}, 1},
		{"1.0 with both", old + chunked + length(1) + "7", []int{accepted}, 1},
		{"1.0 without a host", "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", []int{ok}, 1},

		// what is no message
		{"space before a colon", push + "Transfer-Encoding : chunked\r\n" + length(1) + "7", []int{bad}, 0},
		{"a first header with space", "POST /server/incoming_data HTTP/1.1\r\n Host: x\r\nHost: x\r\n" + length(1) + "7", []int{bad}, 0},
		{"a NUL in a name", push + "Transfer-Encoding\x00: chunked\r\n" + length(1) + "7", []int{bad}, 0},
		{"a NUL in a value", push + "X: a\x00b\r\n" + length(1) + "7", []int{bad}, 0},
		{"a CR in a value", push + "X: a\rTransfer-Encoding: chunked\r\n" + length(1) + "7", []int{bad}, 0},
		{"a NUL in the path", "GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", []int{bad}, 0},
		{"a header without a colon", push + "X\r\n" + length(1) + "7", []int{bad}, 0},
		{"a header without a name", push + ": x\r\n" + length(1) + "7", []int{bad}, 0},
		{"no request", "hello\r\n\r\n", []int{bad}, 0},
		{"a space in the path", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", []int{bad}, 0},
		{"no host", "GET /healthz HTTP/1.1\r\n\r\n", []int{bad}, 0},
		{"two hosts", "GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", []int{bad}, 0},
		{"equal hosts", "GET /healthz HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", []int{bad}, 0},
		{"a host that is none", "GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n", []int{bad}, 0},
		{"0.9", "GET /healthz\r\n\r\n", []int{bad}, 0},
		{"3.0", "GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n", []int{unknownVersion}, 0},
		{"HTTP in small letters", "GET /healthz http/1.1\r\nHost: x\r\n\r\n", []int{bad}, 0},
		{"the beginning of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{bad}, 1},

		// a body that is not read to its end
		{"a body that is too large", push + length(ingest.MaxPayload+1) + "7", []int{tooLarge}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDoor(t, httpapi.New(options()), httpapi.ServerOptions{})
			require.Equal(t, tt.want, d.exchange(t, tt.message+hidden))
			require.Equal(t, tt.handled, d.seen.Load())
		})
	}
}
