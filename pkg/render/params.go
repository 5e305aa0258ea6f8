package render

import "net/netip"

// Params is all that Render needs beyond the Table: the operator's settings
// and what the nginx at hand can do.
type Params struct {
	Nginx Capabilities

	Listen              []netip.Addr // addresses to listen on; at least one
	Port                int          // HTTP port
	StatusPath          string       // answers 200 on the default server
	DefaultReturn       string       // a status code, or a URL to proxy to
	ClientMaxBodySize   string       // nginx size; "0" is unlimited
	WorkerProcesses     string       // "auto" or a number
	WorkerConnections   int          // per worker process
	WorkerShutdown      string       // nginx time: how long an old worker may finish its connections
	ProxyReadTimeout    string       // nginx time
	ProxyConnectTimeout string       // nginx time
	TrustedProxies      []netip.Prefix
	AccessLog           bool
	User                string // workers' user when the master is root; "" as compiled in
	HealthChecks        bool   // render checks if the nginx has the module

	PidFile       string // absolute path
	ControlSocket string // absolute path of the unix socket that tells the generation
	TempDir       string // absolute folder for nginx's temporary files
}
