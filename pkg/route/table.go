package route

import "github.com/30x/dispatcher/pkg/route/table"

// Table is what Build returns; it and its parts are those of package table.
type (
	Table       = table.Table
	VirtualHost = table.VirtualHost
	Location    = table.Location
	Limits      = table.Limits
	Backend     = table.Backend
	Upstream    = table.Upstream
	Keyed       = table.Keyed
	Member      = table.Member
	Slot        = table.Slot
	Override    = table.Override
	Endpoint    = table.Endpoint
	Auth        = table.Auth
	TLS         = table.TLS
	Counts      = table.Counts
	Problem     = table.Problem
)
