// Package names looks up names outside the cluster. Names that are wanted enter; an
// Event with the addresses of each leaves, when they are known and when they change.
// It never decides whether an address may be used.
package names

import (
	"net/netip"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Addresses are those of one DNS name.
type Addresses struct {
	metav1.ObjectMeta // its Name is the DNS name: lower-case, without trailing dot
	Addrs             []netip.Addr
}
