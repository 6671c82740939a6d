// Command receiver is a destination to try things out with: it prints what it
// gets and checks the signature.
//
//	go run ./docs/examples/receiver -secret whsec_…
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// maxEvent is the largest event that Data Pusher accepts, in bytes.
const maxEvent = 1 << 20

func main() {
	listen := flag.String("listen", "127.0.0.1:9000", "address to listen on")
	secret := flag.String("secret", "", "the destination's signingSecret: whsec_…")
	status := flag.Int("status", http.StatusOK, "status to answer; try 503 and watch the retries")
	flag.Parse()

	verifier, err := standardwebhooks.NewWebhook(*secret)
	if err != nil {
		log.Fatalf("-secret: %v", err)
	}
	server := &http.Server{Addr: *listen, Handler: receive(verifier, *status), ReadHeaderTimeout: 5 * time.Second}
	log.Printf("listening on http://%s", *listen)
	log.Fatal(server.ListenAndServe())
}

// receive answers an event whose signature is right with that status.
func receive(verifier *standardwebhooks.Webhook, status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		signed, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEvent))
		if err != nil {
			http.Error(w, "the body cannot be read", http.StatusBadRequest)
			return
		}
		if r.Method == http.MethodGet {
			signed = []byte(r.URL.RawQuery) // a GET has no body: its query string is signed
		}
		if err := verifier.Verify(signed, r.Header); err != nil {
			log.Printf("refused: %v", err)
			http.Error(w, "the signature is wrong", http.StatusUnauthorized)
			return
		}
		log.Printf("%s %s %s", r.Method, r.Header.Get("webhook-id"), signed)
		w.WriteHeader(status)
		fmt.Fprintln(w, "received")
	}
}
