package judge

import (
	"strings"
	"testing"
)

const good = `
daemon off;
http {
  proxy_set_header Host $host;
  proxy_ssl_verify on;
  map $request_uri $path_after_1 { default ""; "~^x" $after_1; }
  upstream pods-0123456789abcdef0123456789abcdef {
    server 10.0.0.1:80; # web
    server [fd00::1]:80 weight=2;
    check interval=1 rise=1 fall=1 timeout=1 port=1 type=http;
    check_http_send "GET /x HTTP/1.0\r\nHost: a b\r\n\r\n";
  }
  server {
    listen unix:/control;
    location = /status { stub_status; }
  }
  server {
    listen 0.0.0.0:80;
    server_name a.example;
    if ($host_parent != ".example") { return 444; }
    location = /café { proxy_pass http://pods-0123456789abcdef0123456789abcdef; }
    location = /s { set $backend_host b.example; proxy_ssl_name b.example; proxy_pass https://pods-0123456789abcdef0123456789abcdef; }
    location /x/ {
      if ($path_after_1 = "") { return 400; }
      proxy_pass http://pods-0123456789abcdef0123456789abcdef/%C3$path_after_1$is_args$args;
    }
  }
}
`

func TestCheck(t *testing.T) {
	j := New()
	if _, err := j.Check(good); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"daemon off;", "daemon off; load_module x;"},
		{"daemon off;", "include x;"},
		{"location /x/ {", "location /x/ { proxy_set_header A b;"},
		{"location /x/ {", "location /x/ { rewrite a b;"},
		{"proxy_ssl_verify on;", ""},
		{"proxy_ssl_verify on;", "proxy_ssl_verify off;"},
		{"proxy_ssl_name b.example;", ""},
		{"proxy_ssl_name b.example;", "proxy_ssl_name $host;"},
		{"proxy_ssl_name b.example;", "proxy_ssl_name b.example; proxy_ssl_verify off;"},
		{"proxy_ssl_name b.example; proxy_pass https:", "proxy_ssl_name b.example; proxy_pass http:"},
		{"set $backend_host b.example;", "set $backend_host $host;"},
		{"location /x/ {", "location /x/ { root /;"},
		{"location /x/ {", "location /x/ { stub_status;"},
		{"listen unix:/control;", "listen unix:/control; listen 80;"},
		{"location /x/ {", "location /x/ { alias /;"},
		{"location /x/ {", "location ~ /x/ {"},
		{"location /x/ {", "location @x {"},
		{"location /x/ {", `location "/x {" {`},
		{"location /x/ {", "location /$x {"},
		{"server_name a.example;", "server_name ~a;"},
		{"server_name a.example;", "server_name a.example b.example;"},
		{"server_name a.example;", "server_name a.example; return 200;"},
		{"proxy_set_header Host $host;", "map $host $x { ~a b; }"},
		{"proxy_set_header Host $host;", "map $host $x { include b; }"},
		{"proxy_pass http://pods-0123456789abcdef0123456789abcdef;", "proxy_pass http://elsewhere;"},
		{"proxy_pass http://pods-0123456789abcdef0123456789abcdef;", "proxy_pass http://pods-0123456789abcdef0123456789abcdef$uri;"},
		{"server 10.0.0.1:80;", "server 10.0.0.1;"},
		{"server 10.0.0.1:80;", "server unix:/x;"},
		{"server 10.0.0.1:80;", "server 10.0.0.1:+80;"},
		{"Host: a b", `Host: a\" b`},
		{"# web", "# web\x01"},
		{"# web", "# web\n include x;"},
		{"  upstream", "  upstream pods-0123456789abcdef0123456789abcdef { }\n  upstream"},
		{"}\n  server {", "}\n } server {"},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%q is not in the text", change[0])
		}
		if _, err := j.Check(bad); err == nil {
			t.Errorf("with %q in place of %q it is still good", change[1], change[0])
		}
	}
}
