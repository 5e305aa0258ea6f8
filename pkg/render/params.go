package render

import (
	"github.com/30x/dispatcher/pkg/render/capabilities"
	"github.com/30x/dispatcher/pkg/render/params"
	"github.com/30x/dispatcher/pkg/route"
)

type (
	// Params is all that Render needs beyond the Table.
	Params = params.Params
	// Dynamic is how nginx learns endpoints without a reload.
	Dynamic = params.Dynamic
	// Templates are parsed templates.
	Templates = params.Templates
	// Capabilities is what an nginx binary can do.
	Capabilities = capabilities.Capabilities
	// Version is an nginx version.
	Version = capabilities.Version
)

// Domain ends the names of services.
const Domain = params.Domain

// RoomFor gives the Dynamic.Room for the endpoints and upstreams of a Table, with as much
// again to spare: twice as many fit without a reload.
func RoomFor(n route.Counts) int { return params.RoomFor(n) }

// ParseTemplates parses the templates, given by file name. The error names the
// file and line.
func ParseTemplates(files map[string]string) (*Templates, error) {
	return params.ParseTemplates(files)
}

// Oldest is the oldest nginx that rendered configurations are made for.
func Oldest() Version { return capabilities.Oldest() }

// Stable is what configurations are rendered for when no nginx is asked.
func Stable() Capabilities { return capabilities.Stable() }

// ParseVersion reads "1.30" or "1.30.6".
func ParseVersion(s string) (Version, error) { return capabilities.ParseVersion(s) }

// ParseCapabilities reads the output of nginx -V. It fails if that holds no
// version, or one older than Oldest.
func ParseCapabilities(output string) (Capabilities, error) {
	return capabilities.ParseCapabilities(output)
}
