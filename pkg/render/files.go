// Package render says how nginx is told. A route.Table and Params enter; the
// Files for nginx leave. It is pure: it knows nginx's versions and modules
// only as data in Params, and never touches a file, a process or a clock.
package render

// Files is one complete configuration of nginx.
type Files struct {
	// Generation identifies the configuration: it is derived from the content,
	// so the same content always has the same generation. Letters and digits only.
	Generation string
	// Conf is the text of nginx.conf. It may hold API keys: it is for nginx alone.
	Conf []byte
	// Masked is the same text for people's eyes: fingerprints stand for the keys.
	Masked []byte
}
