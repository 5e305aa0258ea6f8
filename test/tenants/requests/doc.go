// Package requests tests that what a client or a Pod writes can't cross from one
// tenant to another, or past a rule. Raw bytes enter, by sockets and TLS, into a
// real Dispatcher with a real nginx and the tenants of testdata/tenants.yaml; the
// statuses and bytes that come back leave, with the count of requests that each
// Pod has seen, and which bytes. It never goes through an HTTP library on the way
// to nginx or at a Pod's end: those would mend or refuse what is to be shown.
//
// A case is a line of a table (see exchange), and docs/requests.md tells operators
// the outcome of each kind; a test compares the two.
package requests
