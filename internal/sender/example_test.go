package sender_test

import (
	"fmt"
	"time"

	"datapusher/internal/sender"
)

func ExampleSender_Build() {
	s := sender.New(sender.Options{Now: func() time.Time { return time.Unix(1700000000, 0) }})
	defer s.Close()
	m, class := s.Build(&sender.Request{
		EventID: "evt_01", Method: "GET", URL: "https://example.com/hook?source=dp",
		Payload: []byte(`{"price": 1.00, "name": "a b"}`),
		Keys:    []sender.Key{{Bytes: []byte("0123456789abcdef0123456789abcdef")}},
	})
	if class != "" {
		fmt.Println("cannot be sent:", class)
		return
	}
	fmt.Println(m.Method, m.URL)
	fmt.Println("webhook-id:", m.Header.Get("webhook-id"))
	fmt.Println("webhook-timestamp:", m.Header.Get("webhook-timestamp"))
	// Output:
	// GET https://example.com/hook?source=dp&price=1.00&name=a+b
	// webhook-id: evt_01
	// webhook-timestamp: 1700000000
}
