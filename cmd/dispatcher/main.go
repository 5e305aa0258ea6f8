// Command dispatcher routes HTTP traffic to Kubernetes Pods through nginx. See
// the README for what it does and docs/configuration.md for its settings.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/30x/dispatcher/pkg/config"
)

const usage = `Dispatcher routes HTTP traffic to Kubernetes Pods through nginx.

Usage:
  dispatcher run                watch the cluster, or manifests, and serve
  dispatcher render -f PATH...  print the nginx.conf that manifests give, or with
                                --diff what differs between two sets of them
  dispatcher explain URL        say who answers a URL, and why nobody else does
  dispatcher nginx              run nginx for a 'run --mode=sidecar' in another container
  dispatcher director           serve all requests by one Pod of a Service
  dispatcher version            print the version and what the nginx found can do

See 'dispatcher COMMAND --help' for the settings of a command.
`

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1 // it started and failed; render --strict: there are Problems
	exitRefused = 2 // the command line, a setting or the input can't be used
)

func main() {
	os.Exit(Main(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// Main runs one command and returns its exit code.
func Main(args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitRefused
	}
	var command func(*config.Config, streams) int
	switch args[0] {
	case config.CommandRun:
		command = run
	case config.CommandRender:
		command = renderManifests
	case config.CommandExplain:
		command = explainQuestion
	case config.CommandNginx:
		command = runNginx
	case config.CommandDirector:
		command = direct
	case config.CommandVersion:
		command = printVersion
	case "help", "-h", "--help":
		fmt.Fprint(stdout, usage)
		return exitOK
	default:
		fmt.Fprintf(stderr, "dispatcher: unknown command %+q: see 'dispatcher --help'\n", args[0])
		return exitRefused
	}
	cfg, err := config.Load(args, environ)
	switch {
	case errors.Is(err, config.ErrHelp):
		_ = config.Usage(stdout, args[0])
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "dispatcher: %v\n", err)
		return exitRefused
	}
	return command(cfg, streams{stdin, stdout, stderr})
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}
