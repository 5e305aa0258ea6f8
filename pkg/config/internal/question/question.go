// Package question holds what the command explain is asked. Flags and arguments enter; a
// question leaves, or what is wrong with it. It never looks for an answer.
package question

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/spf13/pflag"

	"github.com/30x/dispatcher/pkg/config/internal/parse"
	"github.com/30x/dispatcher/pkg/config/internal/table"
)

// Explain is what the command explain is asked.
type Explain struct {
	URL     string // or Pod, NAMESPACE/NAME; one of them is set
	Pod     string
	From    string   // host:port of a running Dispatcher's admin port; "": manifests are read
	Headers []string // "Name: value"
	Client  netip.Addr
	JSON    bool // instead of text

	client, output string // as given
}

// Declare declares the flags that only the command explain has.
func (e *Explain) Declare(flags *pflag.FlagSet, files *[]string) {
	flags.StringArrayVarP(files, "file", "f", nil, "Manifests: a file, a folder, or - for standard input. Repeatable; at least one, unless --from is given.")
	flags.StringVar(&e.From, "from", "", "Admin address (ADMIN_ADDR) of a running Dispatcher, to ask it instead of reading manifests.")
	flags.StringArrayVar(&e.Headers, "header", nil, "Header of the request, as \"Name: value\". Repeatable; those that are not given count as not sent, but for the API key's.")
	flags.StringVar(&e.client, "client", "", "Address of the client that connects. Not given: it is taken to be let in.")
	flags.StringVar(&e.output, "output", "text", "text, or json.")
}

// Read reads the question: a URL, or the word pod and a name.
func (e *Explain) Read(arguments, files []string) (errs []error) {
	switch {
	case len(arguments) == 1:
		e.URL = arguments[0]
	case len(arguments) == 2 && arguments[0] == "pod":
		e.Pod = arguments[1]
	default:
		errs = append(errs, fmt.Errorf("there are %d arguments: give one URL, or the word pod and NAMESPACE/NAME", len(arguments)))
	}
	if e.From == "" {
		errs = append(errs, parse.Files(files)...)
	} else if len(files) > 0 {
		errs = append(errs, errors.New("--file (-f) and --from: both are given: give only one of the two"))
	}
	if e.client != "" {
		var err error
		if e.Client, err = netip.ParseAddr(e.client); err != nil {
			errs = append(errs, fmt.Errorf("--client: %s is not an IP address: write one like 192.0.2.1", table.Shown(e.client)))
		}
	}
	switch e.JSON = e.output == "json"; {
	case !e.JSON && e.output != "text":
		errs = append(errs, fmt.Errorf("--output: %s is unknown: write text or json", table.Shown(e.output)))
	case e.Pod != "" && (e.client != "" || len(e.Headers) > 0):
		errs = append(errs, errors.New("--header and --client: they are of a request: give them with a URL only"))
	}
	return errs
}
