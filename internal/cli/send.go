package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
)

// What goes into one request for several events: below the server's limits of
// 1,000 events and 8 MiB.
const (
	chunkEvents = 1000
	chunkBytes  = 4 << 20
	maxLine     = 1<<20 + 1
)

// Send is the command "send".
type Send struct {
	Remote
	Output
	File       string `arg:"" optional:"" default:"-" help:"File of events; - is standard input."`
	Lines      bool   `short:"l" help:"Each line is an event of its own (NDJSON), however many there are."`
	Type       string `help:"Type of the event, or of all that have none of their own."`
	Key        string `help:"Idempotency key: the same event sent again under it is known. Of lines, it is the beginning of each one's."`
	KeyMember  string `help:"With --lines: top-level member of each event that is its idempotency key."`
	TypeMember string `help:"With --lines: top-level member of each event that is its type."`
	Wait       bool   `help:"Wait until the deliveries have an end, and show them; for one event."`
}

// Run sends what is there.
func (s *Send) Run(ctx context.Context, t *Terminal) error {
	if !s.Lines && (s.KeyMember != "" || s.TypeMember != "") {
		return invalid("--key-member and --type-member go with --lines")
	}
	if s.Lines && s.Wait {
		return invalid("--wait is for one event; `datapusher tail` shows what becomes of many")
	}
	if s.Key != "" && s.KeyMember != "" {
		return invalid("give --key or --key-member, not both")
	}
	c, err := s.dial()
	if err != nil {
		return err
	}
	in, size, err := s.open(t)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if s.Lines {
		return s.many(ctx, t, c, in, size)
	}
	event, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	return s.single(ctx, t, c, event)
}

func (s *Send) open(t *Terminal) (io.ReadCloser, int64, error) {
	if s.File == "-" {
		return io.NopCloser(t.In), -1, nil
	}
	f, err := os.Open(s.File)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// accepted is what the door for one event answers.
type accepted struct {
	EventID    string `json:"event_id"`
	Deliveries int    `json:"deliveries"`
	Duplicate  bool   `json:"duplicate"`
}

func (s *Send) single(ctx context.Context, t *Terminal, c *client, event []byte) error {
	headers := http.Header{}
	s.headers(headers, s.Key)
	answer, err := c.push(ctx, t, "/server/incoming_data", "application/json", event, headers, s.Key != "")
	if err != nil {
		return err
	}
	var got accepted
	if err := json.Unmarshal(answer, &got); err != nil {
		return err
	}
	if !s.Wait {
		return s.one(t, answer, []column{{"event", "event_id"}, {"deliveries", "deliveries"}, {"duplicate", "duplicate"}})
	}
	var deliveries json.RawMessage
	where := map[string]any{"first": maxPage, "where": object{"eventID": got.EventID}}
	if err := c.query(ctx, deliveryList, where, &deliveries); err != nil {
		return err
	}
	connection, err := within(deliveries, "deliveries")
	if err != nil {
		return err
	}
	var all page
	if err := json.Unmarshal(connection, &all); err != nil {
		return err
	}
	out := s.table(t, deliveryColumns)
	for _, e := range all.Edges {
		var d struct{ ID string }
		if err := json.Unmarshal(e.Node, &d); err != nil {
			return err
		}
		settled, err := c.settled(ctx, d.ID)
		if err != nil {
			return err
		}
		if err := out.add(settled); err != nil {
			return err
		}
	}
	return out.end("The event " + got.EventID + " is accepted, and the account has no destination.")
}

func (s *Send) headers(h http.Header, key string) {
	for name, value := range map[string]string{
		"Event-Type": s.Type, "Idempotency-Key": key, "Idempotency-Key-Member": s.KeyMember, "Event-Type-Member": s.TypeMember,
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
}

// results is what the door for several events answers.
type results struct {
	Accepted, Failed int
	Results          []struct {
		Status        bool
		Code, Message string
		EventID       string `json:"event_id"`
		Duplicate     bool
	}
}

// sum is what became of all lines.
type sum struct {
	Accepted   int `json:"accepted"`
	Duplicates int `json:"duplicates"`
	Failed     int `json:"failed"`
}

// many sends lines in chunks. Each has a key, so that one whose answer was lost is
// sent again without making its events twice.
func (s *Send) many(ctx context.Context, t *Terminal, c *client, in io.Reader, size int64) error {
	bar := t.bar(size, "sent")
	if t.Live {
		progressbar.OptionShowBytes(true)(bar)
	}
	key := s.Key
	if key == "" && s.KeyMember == "" {
		key = "send-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	}
	var total sum
	var chunk bytes.Buffer
	var numbers []int // of the lines of the chunk
	line, first := 0, 1
	flush := func() error {
		if len(numbers) == 0 {
			return nil
		}
		headers := http.Header{}
		if key != "" {
			s.headers(headers, fmt.Sprintf("%s/%d", key, first))
		} else {
			s.headers(headers, "")
		}
		answer, err := c.push(ctx, t, "/server/incoming_data/batch", "application/x-ndjson", chunk.Bytes(), headers, true)
		if err != nil {
			return fmt.Errorf("from line %d on nothing was sent: %w", first, err)
		}
		var got results
		if err := json.Unmarshal(answer, &got); err != nil {
			return err
		}
		total.Accepted += got.Accepted
		total.Failed += got.Failed
		for i, r := range got.Results {
			if r.Duplicate {
				total.Duplicates++
			}
			if !r.Status && i < len(numbers) {
				t.note("line %d: %s: %s", numbers[i], r.Code, r.Message)
			}
		}
		_ = bar.Add(chunk.Len())
		chunk.Reset()
		numbers = numbers[:0]
		return nil
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for lines.Scan() {
		line++
		text := lines.Bytes()
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		if len(numbers) == chunkEvents || chunk.Len()+len(text) > chunkBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		if len(numbers) == 0 {
			first = line
		}
		chunk.Write(text)
		chunk.WriteByte('\n')
		numbers = append(numbers, line)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d: %w; an event has at most 1 MiB", line+1, err)
	}
	if err := flush(); err != nil {
		return err
	}
	_ = bar.Finish()
	text, err := json.Marshal(total)
	if err != nil {
		return err
	}
	if err := s.one(t, text, []column{{"accepted", "accepted"}, {"duplicates", "duplicates"}, {"failed", "failed"}}); err != nil {
		return err
	}
	if total.Failed > 0 {
		return &Error{Code: "invalid", Message: fmt.Sprintf("%d of %d events were refused", total.Failed, total.Failed+total.Accepted)}
	}
	return nil
}

// patience is how long a busy server is asked again.
const patience = 2 * time.Minute

// push sends a body to a door for events, again where the server is busy, and
// where its answer was lost if it would know the events again.
func (c *client) push(ctx context.Context, t *Terminal, path, media string, body []byte, headers http.Header, known bool) ([]byte, error) {
	until := time.Now().Add(patience)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		q, err := c.request(ctx, path, media, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		for name := range headers {
			q.Header.Set(name, headers.Get(name))
		}
		q.GetBody = nil // net/http would send it again by itself
		status, answer, header, err := c.do(q)
		if err == nil && status == http.StatusAccepted {
			return answer, nil
		}
		again := wait
		if err == nil {
			err = problemOf(status, answer)
			if status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests {
				return nil, sending(err)
			}
			if s, e := strconv.Atoi(header.Get("Retry-After")); e == nil {
				again = time.Duration(s) * time.Second
			}
		} else if !known {
			return nil, err
		}
		if ctx.Err() != nil || time.Now().Add(again).After(until) {
			return nil, err
		}
		if t.Live {
			t.note("%v; again in %s", err, again)
		}
		if err := pause(ctx, again); err != nil {
			return nil, err
		}
	}
}

// sending says what is wrong with a credential that sends no events.
func sending(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Code == "unauthenticated" {
		e.Hint = "Events are sent with an account's token, not with the admin's: `datapusher token create --account acc_… --name cli` makes one."
	}
	return err
}
