package route

import "github.com/30x/dispatcher/pkg/route/table"

// What Build returns, and its parts; see package table.
type (
	Table       = table.Table
	VirtualHost = table.VirtualHost
	Location    = table.Location
	Limits      = table.Limits
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
