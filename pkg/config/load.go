package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/30x/dispatcher/pkg/config/internal/compare"
	"github.com/30x/dispatcher/pkg/config/internal/legacy"
	"github.com/30x/dispatcher/pkg/config/internal/parse"
	"github.com/30x/dispatcher/pkg/config/internal/table"
)

// ErrHelp is returned by Load if the arguments ask for help.
var ErrHelp = pflag.ErrHelp

// The commands that Load knows.
const (
	CommandRun     = "run"
	CommandRender  = "render"
	CommandNginx   = "nginx"
	CommandVersion = "version"
)

// takes reports whether a command has the setting.
func takes(command string, s table.Setting) bool {
	switch command {
	case CommandRun:
		return true
	case CommandDirector:
		return directed(s)
	case CommandRender, CommandExplain:
		return slices.Contains(rendered(), s.Group)
	case CommandNginx:
		return s.Group == groupLogging || slices.Contains([]string{"NGINX_BINARY", "SSL_CERT_DIR", "WORK_DIR", "SHUTDOWN_GRACE", "SERVE_STALE"}, s.Env)
	case CommandVersion:
		return s.Env == "NGINX_BINARY"
	}
	return false
}

// rendered are the groups that a configuration depends on.
func rendered() []table.Group {
	return []table.Group{groupDirector, groupRouting, groupIngress, groupLimits, groupKeys, groupNginx, groupTLS}
}

// purpose is a hash of the settings that say what is served, and from where it is
// known. Those that don't, like the level of logging, have no part in it.
func purpose(rows []table.Setting, values map[string]string) string {
	hash := sha256.New()
	for _, s := range rows {
		if slices.Contains(rendered(), s.Group) || slices.Contains([]string{"SOURCE", "KUBECONFIG", "KUBE_HOST"}, s.Env) {
			fmt.Fprintf(hash, "%s=%q\n", s.Env, values[s.Env])
		}
	}
	return fmt.Sprintf("%x", hash.Sum(nil)[:16])
}

// Load reads the settings of a command, args[0], from the arguments that follow
// it, else from environ ("NAME=value"; an empty value counts as not set), else
// from the defaults. The error lists every invalid value, one a line; it is
// ErrHelp if the arguments ask for help.
func Load(args, environ []string) (*Config, error) {
	if len(args) == 0 || !slices.Contains([]string{CommandRun, CommandRender, CommandNginx, CommandDirector, CommandExplain, CommandVersion}, args[0]) {
		return nil, errors.New("no such command: see 'dispatcher --help'")
	}
	c := new(Config)
	rows := tableOf(args[0], c)
	flags := newFlags(args[0], c, rows)
	if c.Director != nil {
		args = legacy.Args(args)
		legacy.Declare(flags)
	}
	argument := map[string]string{CommandRender: compare.Arguments(args), CommandExplain: table.Taken}[args[0]]
	if err := table.ParseFlags(flags, args, argument); err != nil {
		return nil, err
	}
	c.Ignored = legacy.Given(flags)

	given := map[string]string{}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && value != "" {
			given[name] = value
		}
	}
	if parse.IsRootsDir(given["SSL_CERT_DIR"]) {
		delete(given, "SSL_CERT_DIR") // it is meant for OpenSSL or Go
	}
	var errs []error
	values := map[string]string{}
	for _, s := range rows {
		value := s.Def
		if takes(args[0], s) {
			value = s.Choose(flags, given)
		}
		values[s.Env] = value
		if err := s.Set(value); err != nil {
			errs = append(errs, fmt.Errorf("%s (--%s): %s %w", s.Env, s.Flag(), table.Shown(value), err))
		}
	}
	if values["SSL_CERT_DIR"] == "" {
		c.SSLCertDir = filepath.Join(c.WorkDir, "ssl")
	}
	if at := c.apiKeyLocation; at[0] != "" {
		for i, env := range []string{"API_KEY_SECRET_NAME", "API_KEY_SECRET_FIELD"} {
			if given := values[env]; given != at[i] && isSet(rows, env, given) {
				errs = append(errs, fmt.Errorf("API_KEY_SECRET_LOCATION and %s: they differ, %s and %s: give only one of the two", env, table.Shown(at[i]), table.Shown(given)))
			}
		}
		c.APIKeySecretName, c.APIKeySecretField = at[0], at[1]
	}
	c.Purpose = purpose(rows, values)
	errs = append(errs, conflicts(c, values)...)
	if args[0] == CommandRender {
		errs = append(errs, c.ReadPaths(flags, &c.Files)...)
	}
	if args[0] == CommandExplain {
		errs = append(errs, c.Explain.Read(flags.Args(), c.Files)...)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return c, nil
}

// isSet reports whether a value is another one than the default.
func isSet(rows []table.Setting, env, value string) bool {
	return slices.ContainsFunc(rows, func(s table.Setting) bool { return s.Env == env && s.Def != value })
}

// newFlags declares a command's flags.
func newFlags(command string, c *Config, rows []table.Setting) *pflag.FlagSet {
	flags := renderFlags(command, c)
	for _, s := range rows {
		if takes(command, s) {
			s.Declare(flags)
		}
	}
	return flags
}

// renderFlags has what only the command line can say, and only to render and explain.
func renderFlags(command string, c *Config) *pflag.FlagSet {
	flags := pflag.NewFlagSet(command, pflag.ContinueOnError)
	flags.Usage = func() {} // help is printed by whoever gets ErrHelp
	switch command {
	case CommandExplain:
		c.Explain.Declare(flags, &c.Files)
	case CommandRender:
		flags.StringArrayVarP(&c.Files, "file", "f", nil, "Manifests: a file, a folder, or - for standard input. Repeatable; at least one.")
		flags.BoolVar(&c.Strict, "strict", false, "Exit with status 1 if any entry of the manifests has a problem; with --diff, a problem that is new.")
		c.DeclareDiff(flags)
	}
	return flags
}
