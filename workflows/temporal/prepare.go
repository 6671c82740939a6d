package temporal

import (
	"context"
	"errors"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
)

// indexDelay is how long new search attributes are left alone: the server's
// parts learn of them one after the other, and one that has not refuses the
// whole workflow task.
const indexDelay = 15 * time.Second

// index says whether the namespace has our search attributes.
type index struct {
	mu      sync.Mutex
	from    time.Time // zero: it has not, as far as is known
	refused bool
}

func (i *index) ready(now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return !i.from.IsZero() && !now.Before(i.from)
}

func (i *index) readyFrom(at time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.from = at
}

// refuse says whether this is the first refusal.
func (i *index) refuse() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	first := !i.refused
	i.from, i.refused = time.Time{}, true
	return first
}

// Prepare sees to it that the namespace has the search attributes of runs. Run
// does so too. Where that is not allowed, or there is no room for them, the
// engine works without: a warning says so once. An error means that the server
// could not be asked.
func (e *Engine) Prepare(ctx context.Context) error {
	missing, err := e.missingAttributes(ctx)
	if err == nil && len(missing) == 0 {
		e.index.readyFrom(e.now())
		return nil
	}
	if err == nil {
		_, err = e.client.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: e.namespace, SearchAttributes: missing,
		})
	}
	// Somebody else may have been faster, which some stores call an error.
	if err != nil && !unreachable(err) {
		if missing, again := e.missingAttributes(ctx); again == nil && len(missing) == 0 {
			err = nil
		}
	}
	switch {
	case err == nil:
		e.index.readyFrom(e.now().Add(indexDelay))
		return nil
	case unreachable(err) || ctx.Err() != nil:
		return err
	}
	if e.index.refuse() {
		e.logger.WarnContext(ctx, "the namespace has no search attributes for deliveries; runs cannot be searched by them",
			"namespace", e.namespace, "error", err)
	}
	return nil
}

var errAttributeType = errors.New("a search attribute exists already and is no keyword list")

func (e *Engine) missingAttributes(ctx context.Context) (map[string]enumspb.IndexedValueType, error) {
	found, err := e.client.OperatorService().ListSearchAttributes(ctx,
		&operatorservice.ListSearchAttributesRequest{Namespace: e.namespace})
	if err != nil {
		return nil, err
	}
	missing := map[string]enumspb.IndexedValueType{}
	for _, name := range []string{attributeAccounts, attributeDestinations, attributeDeliveries} {
		switch kind, ok := found.GetCustomAttributes()[name]; {
		case !ok:
			missing[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST
		case kind != enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST:
			return nil, errAttributeType
		}
	}
	return missing, nil
}

// unreachable says whether an error only means "not now".
func unreachable(err error) bool {
	if _, ok := errors.AsType[*serviceerror.Unavailable](err); ok {
		return true
	}
	if _, ok := errors.AsType[*serviceerror.DeadlineExceeded](err); ok {
		return true
	}
	if _, ok := errors.AsType[*serviceerror.ResourceExhausted](err); ok {
		return true
	}
	return errors.Is(err, context.DeadlineExceeded)
}
