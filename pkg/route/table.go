package route

import "github.com/30x/dispatcher/pkg/route/table"

// These are the types of package table, for those who use what Build returns.
type (
	// Table is everything that should be served.
	Table = table.Table
	// VirtualHost is one host of a Table.
	VirtualHost = table.VirtualHost
	// Location is one path of a VirtualHost.
	Location = table.Location
	// Limits is what a Location asks beside the defaults.
	Limits = table.Limits
	// Backend is how those who serve a Location are spoken to.
	Backend = table.Backend
	// Upstream is who serves a Location.
	Upstream = table.Upstream
	// Keyed is which of them serves which key.
	Keyed = table.Keyed
	// Member is one that keeps its keys.
	Member = table.Member
	// Slot is a run of keys.
	Slot = table.Slot
	// Override is a key of its own.
	Override = table.Override
	// Endpoint is an address that serves.
	Endpoint = table.Endpoint
	// Auth is what a request must bring along.
	Auth = table.Auth
	// TLS is how a VirtualHost is served over TLS.
	TLS = table.TLS
	// Counts is what a Table holds, in numbers.
	Counts = table.Counts
	// Problem is what an owner should know.
	Problem = table.Problem
)
