package problem_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/problem"
)

func TestFromHidesWhatIsNotCoded(t *testing.T) {
	t.Parallel()
	cause := errors.New("pq: password authentication failed")
	got := problem.From(cause)
	require.Equal(t, problem.Internal, got.Code)
	require.NotContains(t, got.Message, "password")
	require.ErrorIs(t, got, cause)
}

func TestFromFindsTheCodedErrorInsideAWrappedOne(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("while saving: %w", problem.New(problem.Conflict, "the e-mail is taken"))
	require.Equal(t, problem.Conflict, problem.CodeOf(err))
	require.Equal(t, problem.Code(""), problem.CodeOf(nil))
}

func TestFieldsTellsAllAtOnce(t *testing.T) {
	t.Parallel()
	var f problem.Fields
	require.NoError(t, f.Err())
	f.Add("name", "must not be empty")
	f.Add("email", "must have an @")
	got := problem.From(f.Err())
	require.Equal(t, problem.Invalid, got.Code)
	require.Len(t, got.Fields, 2)
	require.Equal(t, "the input is not valid; name: must not be empty; email: must have an @", got.Error())
}
