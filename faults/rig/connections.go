package rig

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"datapusher/internal/database"
)

// TakeConnections ends the connections of Data Pusher to Postgres and takes all that
// there can be, until release is called.
func (r *Rig) TakeConnections(ctx context.Context) (release func(), err error) {
	at, err := url.Parse(r.Stack.DatabaseURL())
	if err != nil {
		return nil, err
	}
	q := at.Query()
	q.Set("application_name", "taker")
	at.RawQuery = q.Encode()
	var held []func() error
	release = func() {
		for _, f := range held {
			_ = f()
		}
	}
	// One that is open already has to end the others' when there is no room left.
	ending, err := r.DB.Write.Conn(ctx)
	for err == nil && ending.PingContext(ctx) != nil { // it is of before a crash of Postgres
		_ = ending.Close()
		ending, err = r.DB.Write.Conn(ctx)
	}
	if err != nil {
		return nil, err
	}
	held = append(held, ending.Close)
	rounds, few := 20, 20
	for left := few + 1; left > few; rounds-- {
		if rounds == 0 || ctx.Err() != nil {
			release()
			return nil, errors.Join(fmt.Errorf("%d connections of Data Pusher are left", left), ctx.Err())
		}
		if _, err := ending.ExecContext(ctx, `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'datapusher' AND pid <> pg_backend_pid()`); err != nil {
			release()
			return nil, err
		}
		for {
			pool, err := database.Open(ctx, at.String())
			if err != nil {
				break // there is no room
			}
			held = append(held, pool.Close)
			for err == nil {
				conn, cerr := pool.Write.Conn(bounded(ctx))
				if err = cerr; err == nil {
					held = append([]func() error{conn.Close}, held...)
				}
			}
		}
		if err := ending.QueryRowContext(ctx, `
SELECT count(*) FROM pg_stat_activity WHERE application_name = 'datapusher' AND pid <> pg_backend_pid()`).Scan(&left); err != nil {
			release()
			return nil, err
		}
		r.say("%8.2fs %d connections of Data Pusher are left", time.Since(r.began).Seconds(), left)
	}
	return release, nil
}

// bounded ends soon: a pool that is full waits for one of its own.
func bounded(ctx context.Context) context.Context {
	soon, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	context.AfterFunc(soon, cancel)
	return soon
}
