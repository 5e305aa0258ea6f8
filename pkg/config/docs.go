package config

import (
	"bytes"
	"io"
	"slices"

	"github.com/30x/dispatcher/pkg/config/internal/table"
)

// Usage writes the help of a command that Load knows: its flags by group, each
// with environment name and default. The error is the writer's.
func Usage(w io.Writer, command string) error {
	var b bytes.Buffer
	switch command {
	case CommandRun:
		b.WriteString("Usage: dispatcher run [flags]\n\nWatches a cluster or manifests, and serves what they ask for through nginx.\n")
	case CommandRender:
		b.WriteString("Usage: dispatcher render -f PATH... [flags]\n       dispatcher render --diff OLD... -- NEW... [flags before the two dashes]\n\n" +
			"Prints the nginx.conf that manifests give, and their problems on stderr; or what\ndiffers between two sets of manifests, in words.\n")
		b.WriteString("\nInput:\n")
		table.WriteFlags(&b, renderFlags(command, new(Config)))
	case CommandExplain:
		b.WriteString("Usage: dispatcher explain -f PATH... URL [flags]\n       dispatcher explain -f PATH... pod NAMESPACE/NAME [flags]\n\n" +
			"Says what becomes of requests for a URL, or what a Pod serves, and why. With\n--from=ADDRESS in the place of -f it asks a running Dispatcher.\n")
		b.WriteString("\nInput:\n")
		table.WriteFlags(&b, renderFlags(command, new(Config)))
	case CommandNginx:
		b.WriteString("Usage: dispatcher nginx [flags]\n\nRuns nginx for a 'dispatcher run --mode=sidecar' in another container, without\naccess to the cluster. Both need the same WORK_DIR, SSL_CERT_DIR and group.\n")
	case CommandDirector:
		b.WriteString("Usage: dispatcher director --service=NAME [flags]\n\nServes all requests by one Pod of a Service. Flags may be written with one dash.\n")
	case CommandVersion:
		b.WriteString("Usage: dispatcher version [flags]\n\nPrints the versions of Dispatcher, Go and nginx.\n")
	}
	rows := slices.DeleteFunc(tableOf(command, new(Config)), func(s table.Setting) bool { return !takes(command, s) })
	for _, g := range groups() {
		table.WriteHelp(&b, g, rows)
	}
	b.WriteString("\nA flag beats its environment variable; an empty variable counts as not set.\n")
	_, err := w.Write(b.Bytes())
	return err
}

// WriteMarkdown writes the reference page of all settings. The error is the
// writer's.
func WriteMarkdown(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString(intro)
	for _, g := range groups() {
		table.WriteMarkdown(&b, g, append(settings(new(Config)), new(Director).Rows(groupDirector)...))
	}
	b.WriteString("\n## Only for `dispatcher render`\n\nThese have no environment variable.\n\n")
	table.WriteMarkdownFlags(&b, renderFlags(CommandRender, new(Config)))
	b.WriteString("\n## Only for `dispatcher explain`\n\nThese have no environment variable either.\n\n")
	table.WriteMarkdownFlags(&b, renderFlags(CommandExplain, new(Config)))
	_, err := w.Write(b.Bytes())
	return err
}

const intro = `<!-- Generated from the table in pkg/config/settings.go. After a change there: UPDATE=1 make test -->

# Configuration

Every setting is a flag and an environment variable. The flag beats the variable, the variable beats the default.

- An environment variable that is set to the empty string counts as not set. A flag may be set to the empty string
  where the default is empty: ` + "`--trusted-proxies=`" + ` trusts nobody, whatever the environment says.
- A boolean flag takes its value with ` + "`=`" + `: ` + "`--access-log=false`" + `. Without a value it is true.
- Durations have a unit, as in ` + "`90s`" + `, ` + "`5m`" + ` or ` + "`1h30m`" + `.
- Invalid values stop the start, and all of them are reported at once: the name, the value and what is allowed.
- Kubernetes sets variables such as ` + "`SSL_PORT=tcp://10.0.0.1:80`" + ` in Pods for a Service named ` + "`ssl`" + ` in their namespace.
  ` + "`enableServiceLinks: false`" + ` in the Pod's spec keeps them out.
- ` + "`SSL_CERT_DIR`" + ` is also the name under which OpenSSL and Go look for root certificates, and some systems set it for them:
  a variable that names a folder of the system for these, like ` + "`/etc/ssl/certs`" + `, counts as not set, and
  ` + "`--ssl-cert-dir`" + ` refuses such a folder.

` + "`dispatcher run`" + ` takes all settings, ` + "`dispatcher render`" + ` and ` + "`dispatcher explain`" + ` those of Routing, Ingresses, Limits, API keys, nginx and TLS,
` + "`dispatcher director`" + ` those of Director and what else its ` + "`--help`" + ` lists (` + "`PORT`" + ` is 8080 there, and ` + "`TRUSTED_PROXIES`" + ` the private networks, unless they are set),
` + "`dispatcher version`" + ` takes ` + "`NGINX_BINARY`" + `, and ` + "`dispatcher nginx`" + ` takes what its ` + "`--help`" + ` lists. A command ignores the environment variables of settings that it doesn't take.
`
