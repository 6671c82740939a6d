package httpapi

import (
	"net/http"

	"datapusher/internal/problem"
)

// seedError is how the seed's doors tell errors.
type seedError struct {
	Status    bool            `json:"status"` // false
	Code      problem.Code    `json:"code"`
	Message   string          `json:"message"`
	Errors    []problem.Field `json:"errors,omitempty"`
	RequestID string          `json:"request_id"`
}

// seedTexts are the messages that the seed's clients know for a code.
type seedTexts map[problem.Code]string

const unAuthenticate = "Un Authenticate"

var (
	incomingTexts = seedTexts{problem.Invalid: "Invalid Data", problem.Unauthenticated: unAuthenticate}
	// The seed looked for an account with that id and that token and told no
	// more than that there was none.
	accountTexts = seedTexts{
		problem.Invalid: "Invalid Details", problem.Unauthenticated: "Invalid Details", problem.NotFound: "Invalid Details",
	}
)

// tellSeed is the seed's form.
func tellSeed(texts seedTexts) teller {
	return func(w http.ResponseWriter, requestID string, p *problem.Error) {
		message := p.Message
		if text, ok := texts[p.Code]; ok {
			message = text
		} else if p.Code == problem.Unauthenticated {
			message = unAuthenticate
		}
		writeJSON(w, "application/json", failing(w, p.Code),
			seedError{Code: p.Code, Message: message, Errors: p.Fields, RequestID: requestID})
	}
}

// seedAnswer is how the seed's doors tell success, always with 200.
type seedAnswer struct {
	Status  bool   `json:"status"` // true
	Message string `json:"message,omitempty"`
	Data    any    `json:"data,omitempty"`
	Next    string `json:"next,omitempty"` // what ?after= takes, where a list goes on
}

func writeSeed(w http.ResponseWriter, a seedAnswer) error {
	a.Status = true
	writeJSON(w, "application/json", http.StatusOK, a)
	return nil
}
