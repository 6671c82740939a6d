package main

import (
	"datapusher/cmd/app"
)

// config is the configuration of the program and what only this binary knows.
type config struct {
	app.Config
	DataDir          string `env:"DATAPUSHER_DATA_DIR" default:"./data" help:"Folder for everything that is kept."`
	TemporalListen   string `env:"DATAPUSHER_TEMPORAL_LISTEN" default:"127.0.0.1:7233" help:"Address of the embedded Temporal server; port 0 means a free one."`
	TemporalUIListen string `name:"temporal-ui-listen" env:"DATAPUSHER_TEMPORAL_UI_LISTEN" default:"127.0.0.1:8233" help:"Address of the Temporal UI; it knows no credentials, so keep it on loopback."`
	Demo             bool   `env:"DATAPUSHER_DEMO" default:"true" negatable:"" help:"Push one sample event at the first start."`
}
