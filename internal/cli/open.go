package cli

import (
	"fmt"
	"net/url"
)

// Open is the command "open".
type Open struct {
	Remote
	Page string `arg:"" enum:"dashboard,playground" default:"dashboard" help:"${enum}."`
}

// pages are the paths of what people open in a browser.
var pages = map[string]string{"dashboard": "/sign-in", "playground": "/playground"}

// Run prints a link that has the credential behind a #, which a browser sends to
// nobody and the page takes out of the address at once.
func (o *Open) Run(t *Terminal) error {
	server, token, err := o.resolve()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.Out, server+pages[o.Page]+"#"+url.Values{"token": {token}}.Encode())
	return err
}
