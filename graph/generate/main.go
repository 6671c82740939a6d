// Command generate writes the GraphQL server from graph/schema and gqlgen.yml.
// It is run in the graph folder by `make generate`, after ent's.
package main

import (
	"log"
	"os"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"
)

func main() {
	if err := os.Chdir(".."); err != nil { // gqlgen.yml names its files from there
		log.Fatal(err)
	}
	c, err := config.LoadConfig("gqlgen.yml")
	if err != nil {
		log.Fatal(err)
	}
	if err := api.Generate(c); err != nil {
		log.Fatal(err)
	}
}
