package traffic

import (
	"net/http"
	"strings"
	"testing"
)

// TestChallengesOfSharedHosts: EF6. Who answers an authority's challenges gets
// certificates for the host, so only its owner does, whatever a younger Namespace
// declares there: the folder itself, what is in it or above it, or all of the host.
func TestChallengesOfSharedHosts(t *testing.T) {
	t.Parallel()
	const host, folder = "www.example.com", "/.well-known/acme-challenge"
	older, younger := created(namespace("owner", host), 1), created(namespace("thief", host), 2)
	owner := newPod(t, "owner", "owner", at("/app"))
	thief := newPod(t, "thief", "thief", at("/"), at("/.well-known"), at(folder), at(folder+"/token"),
		entry{"basePath": folder + "/exact", "match": "exact"}, at("/.well-known/other"))
	d := start(t, older, younger, owner, thief)
	uris := []string{
		folder, folder + "/", folder + "/token", folder + "/exact", folder + "/other", "/.well-known//acme-challenge/token",
		"/.well-known/%61cme-challenge/token", "/x/../.well-known/acme-challenge/token", "/.well-known/./acme-challenge/token?x",
	}
	for _, uri := range uris {
		if got := d.ask(host, uri); got.Pod != "" || got.Status != http.StatusServiceUnavailable {
			t.Errorf("%s: answered by %q with %d", uri, got.Pod, got.Status)
		}
	}
	for uri, pod := range map[string]string{"/app": "owner", "/": "thief", "/.well-known/other": "thief", "/.well-known/x": "thief", folder + "s": "thief"} {
		if got := d.ask(host, uri).Pod; got != pod {
			t.Errorf("%s: answered by %q, want %q", uri, got, pod)
		}
	}
	if !strings.Contains(d.log(), "who answers below "+folder+" gets certificates for the host, which Namespace owner owns") {
		t.Error("the loss is not told")
	}
	d.apply(owner.paths(at("/app"), at(folder)))
	d.serves(host, folder+"/token", "owner")
	for _, uri := range uris {
		if got := d.ask(host, uri).Pod; got != "owner" {
			t.Errorf("%s: answered by %q, want the owner", uri, got)
		}
	}
	d.remove(older, owner)
	d.serves(host, folder+"/token", "thief") // which is the owner now
}
