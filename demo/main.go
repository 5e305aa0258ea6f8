// Command demo shows Dispatcher at work on one machine, without a cluster.
//
// Manifests enter: it runs the Pods they describe, and the applications outside the
// cluster, each on its own loopback address, makes certificates for their hosts, starts "dispatcher run" with real
// nginx on the same manifests, and prints what to ask and what to expect. What
// leaves is text for people: that list, and then a line for every change. It
// never writes the manifests, never runs a Pod's image, and leaves no process and
// no file behind.
//
//	demo [flags]                the demo, until Ctrl-C
//	demo check [flags]          the same unattended, on a copy of the manifests
//	demo ws [flags] URL [TEXT…] talks to a WebSocket, one message an argument
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/30x/dispatcher/demo/internal/check"
	"github.com/30x/dispatcher/demo/internal/tour"
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // a reader of the output that goes away must not orphan nginx
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// command runs what the arguments name, until it is done or ctx is.
func command(ctx context.Context, args []string, out io.Writer) error {
	name := ""
	if len(args) > 0 && (args[0] == "check" || args[0] == "ws") {
		name, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("demo "+name, flag.ContinueOnError)
	if name == "ws" {
		host := flags.String("host", "", "the `host` to ask for; default: the URL's host")
		ca := flags.String("cacert", "", "a `file` with the certificate of the authority that has signed the server's, as for curl")
		if err := flags.Parse(args); err != nil {
			return err
		}
		if flags.NArg() == 0 {
			return errors.New("ws needs a URL: demo ws -host test.k8s.local ws://127.0.0.1:8080/nodejs/socket.io/ hello")
		}
		return tour.Talk(ctx, out, flags.Arg(0), *host, *ca, flags.Args()[1:])
	}

	var c settings
	flags.StringVar(&c.dispatcher, "dispatcher", "bin/dispatcher", "the `program` to show")
	flags.StringVar(&c.manifests, "manifests", "demo/manifests", "the `folder` of manifests")
	flags.IntVar(&c.port, "port", 0, "the `port` nginx listens on; default: 8080, or a free one if that is taken")
	flags.IntVar(&c.sslPort, "ssl-port", 0, "the `port` nginx listens on for HTTPS; default: 8443, or a free one if that is taken")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %+q: see demo -h", flags.Arg(0))
	}
	if name == "check" {
		return check.Run(ctx, check.Config{Dispatcher: c.dispatcher, Manifests: c.manifests, Port: c.port, SSLPort: c.sslPort}, out)
	}
	return serve(ctx, c, out)
}
