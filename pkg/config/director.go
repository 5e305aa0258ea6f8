package config

import (
	"slices"

	"github.com/30x/dispatcher/pkg/config/internal/director"
	"github.com/30x/dispatcher/pkg/config/internal/table"
)

// CommandDirector is the command that serves one Pod of one Service.
const CommandDirector = "director"

// Director is what the command director serves.
type Director = director.Settings

// tableOf is the table of a command, in the order of the help. Parsed values go to c.
func tableOf(command string, c *Config) []table.Setting {
	rows := settings(c)
	if command != CommandDirector {
		return rows
	}
	c.Director = new(Director)
	return append(director.Defaults(rows), c.Director.Rows(groupDirector)...)
}

// directed reports whether the command director takes a setting: those that say how
// nginx runs and where objects come from, but none that is for hosts, paths, keys or
// certificates.
func directed(s table.Setting) bool {
	switch s.Group {
	case groupDirector, groupRunning, groupLogging:
		return true
	case groupNginx:
		return !slices.Contains([]string{"DEFAULT_LOCATION_RETURN", "NGINX_ENABLE_HEALTH_CHECKS"}, s.Env)
	}
	return slices.Contains([]string{"EVENT_WINDOW", "KUBECONFIG", "KUBE_HOST"}, s.Env)
}
