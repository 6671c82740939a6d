package statistics

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/problem"
)

var noon = time.Date(2030, 5, 6, 12, 0, 30, 0, time.UTC)

func at(s string) *time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return &t
}

func TestSpans(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		q        Question
		from, to string
		step     time.Duration
		hourly   bool
	}{
		"the last hour":      {Question{}, "2030-05-06T11:00:00Z", "2030-05-06T12:01:00Z", time.Minute, false},
		"a later end is now": {Question{To: at("2031-01-01T00:00:00Z")}, "2030-05-06T11:00:00Z", "2030-05-06T12:01:00Z", time.Minute, false},
		"six hours":          {Question{From: at("2030-05-06T06:00:30Z")}, "2030-05-06T06:00:00Z", "2030-05-06T12:05:00Z", 5 * time.Minute, false},
		"a day":              {Question{From: at("2030-05-05T12:00:30Z")}, "2030-05-05T12:00:00Z", "2030-05-06T12:15:00Z", 15 * time.Minute, false},
		"a day by hours":     {Question{From: at("2030-05-05T12:00:30Z"), Step: new(time.Hour)}, "2030-05-05T12:00:00Z", "2030-05-06T13:00:00Z", time.Hour, true},
		"an hour by hours":   {Question{Step: new(time.Hour)}, "2030-05-06T11:00:00Z", "2030-05-06T13:00:00Z", time.Hour, false},
		"a week":             {Question{From: at("2030-04-29T12:00:30Z")}, "2030-04-29T12:00:00Z", "2030-05-06T18:00:00Z", 6 * time.Hour, true},
		"long ago":           {Question{From: at("2030-03-01T10:10:00Z"), To: at("2030-03-01T11:30:00Z")}, "2030-03-01T10:00:00Z", "2030-03-01T12:00:00Z", time.Hour, true},
		"a quarter":          {Question{From: at("2030-02-06T12:00:30Z")}, "2030-02-06T00:00:00Z", "2030-05-07T00:00:00Z", 24 * time.Hour, true},
		"sevens":             {Question{Step: new(7 * time.Minute)}, "2030-05-06T10:58:00Z", "2030-05-06T12:01:00Z", 7 * time.Minute, false},
	} {
		s, err := c.q.span(noon)
		require.NoError(t, err, name)
		require.Equal(t, span{*at(c.from), *at(c.to), c.step, c.hourly}, s, name)
	}
}

func TestSpansThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		q     Question
		field string
	}{
		"turned round":        {Question{From: at("2030-05-06T11:00:00Z"), To: at("2030-05-06T10:00:00Z")}, "from"},
		"nothing":             {Question{From: at("2030-05-06T11:00:00Z"), To: at("2030-05-06T11:00:00Z")}, "from"},
		"the future":          {Question{From: at("2030-05-07T11:00:00Z")}, "from"},
		"no step":             {Question{Step: new(time.Duration(0))}, "step"},
		"a negative step":     {Question{Step: new(-time.Minute)}, "step"},
		"seconds":             {Question{Step: new(90 * time.Second)}, "step"},
		"minutes of long ago": {Question{From: at("2030-05-04T11:00:00Z"), Step: new(30 * time.Minute)}, "step"},
		"too many":            {Question{From: at("2030-05-06T01:00:00Z"), Step: new(time.Minute)}, "step"},
		"an hour too many":    {Question{From: at("2030-02-06T12:00:00Z"), Step: new(time.Hour)}, "step"},
		"a month":             {Question{Step: new(30 * 24 * time.Hour)}, "step"},
		"before anything":     {Question{From: at("0001-01-01T00:00:00Z")}, "from"},
		"too long ago":        {Question{From: at("2030-02-04T11:00:00Z")}, "from"},
	} {
		_, err := c.q.span(noon)
		require.Equal(t, problem.Invalid, problem.CodeOf(err), name)
		require.Equal(t, c.field, problem.From(err).Fields[0].Name, name)
	}
}
