# Badges: what they say and how, who may keep them for how long, and that there are none unless wanted.
use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Sentinel;

my $MOUNTS = "VPNSentinelDashboard\n<VirtualHost *:\@PORT1\@>\nVPNSentinelDashboard /vpn/board\n</VirtualHost>\n";
my $NO = JSON::PP::false;

my $sentinel = Sentinel->start(ports => 2,
    conf => "${MOUNTS}VPNSentinelBadges on\nVPNSentinelServerPublicIP 203.0.113.43\n");

sub badge {
    my ($id, $headers, $method) = @_;
    return $sentinel->request($method // 'GET', "/dashboard/badge/$id.svg", { headers => $headers // {} });
}

# The shape's element and its attributes, of what is drawn between the two texts.
sub shape {
    my ($svg) = @_;
    my ($shape) = $svg =~ m{<g transform="translate\(\d+ 10\)"><(.*?)/></g>};
    return $shape // '';
}

my %good = (location => 'DE', dns_loc => 'DE', public_ip => '203.0.113.7');
my %case = (
    green => [ {%good}, 'secure', qr/\Acircle r="5" fill="#fff"\z/ ],
    leak => [ { %good, dns_loc => 'FR' }, 'DNS leak', qr/\Apath d="M0-5/ ],
    bypass => [ { %good, public_ip => '203.0.113.43', dns_loc => 'FR' }, 'bypass, DNS leak', qr/\Apath d="M-5-5/ ],
    down => [ { %good, vpn_connected => $NO }, 'VPN down', qr/\Apath d="M-5-5/ ],
    never => [ undef, 'offline', qr/\Acircle r="4" fill="none"/ ],
);
my %colour = (green => 1);

subtest 'what they say' => sub {
    for my $id (sort keys %case) {
        my ($report, $words, $shape) = @{ $case{$id} };
        my $content = { client_id => $id, %{ $report // {} } };
        $sentinel->api('POST', defined $report ? '/keepalive' : '/register', { content => $content });
        my $answer = badge($id);
        is($answer->{status}, 200, $id);
        like($answer->{headers}{'content-type'}, qr{\Aimage/svg\+xml\b}, '... Content-Type');
        my $svg = $answer->{content};
        like($svg, qr{\A<svg xmlns="http://www\.w3\.org/2000/svg" width="\d+" height="20" role="img">}, '... a picture');
        like($svg, qr{<title>\Q$id: $words\E</title>}, '... its title, for who hears it');
        is_deeply([ $svg =~ m{<text [^>]*>(.*?)</text>}g ], [ $id, $words ], '... its texts');
        like(shape($svg), $shape, '... its shape');
        ($colour{$id}) = $svg =~ /rx="3" fill="(#\w+)"/;
        unlike($svg, qr/<script|style=|href|url\(/, '... nothing that runs or is loaded');
    }
    is($colour{down}, $colour{bypass}, 'of one light, one colour');
    my %different = map { $_ => 1 } @colour{qw(green leak bypass never)};
    is(scalar keys %different, 4, 'of each light, another one');
};

# Text and background must differ by 4.5 to 1: relative luminance as WCAG has it.
subtest 'contrast' => sub {
    my $luminance = sub {
        my @part = map { my $c = hex($_) / 255; $c <= 0.03928 ? $c / 12.92 : (($c + 0.055) / 1.055)**2.4 }
            $_[0] =~ /#(..)(..)(..)/;
        return 0.2126 * $part[0] + 0.7152 * $part[1] + 0.0722 * $part[2];
    };
    for my $id (sort keys %colour) {
        cmp_ok(1.05 / ($luminance->($colour{$id}) + 0.05), '>=', 4.5, "white on $colour{$id}");
    }
};

subtest 'well-formed' => sub {
    for my $id ('a', 'x' x 100, 'A-1') {
        $sentinel->keepalive({ client_id => $id, %good });
        my $svg = badge($id)->{content};
        my @open;
        my $nested = 1;
        while ($svg =~ m{<(/?)(\w+)((?: [\w:-]+="[^"<>]*")*)(/?)>|<}g) {
            my ($end, $name, $empty) = ($1, $2, $4);
            $nested = 0 if !defined $name || ($end && (pop(@open) // '') ne $name);
            push @open, $name if defined $name && !$end && !$empty;
        }
        ok($nested && !@open, "$id: each element ends");
        my ($width) = $svg =~ /\bwidth="(\d+)"/;
        my @text = map { [ $_ =~ /x="(\d+)" y="14" textLength="(\d+)"/ ] } $svg =~ /<text ([^>]*)>/g;
        cmp_ok($text[0][0] + $text[0][1], '<', $text[1][0], '... the texts are beside each other');
        cmp_ok($text[1][0] + $text[1][1], '<', $width, '... and within');
    }
};

subtest 'who has it already' => sub {
    my $first = badge('green');
    is($first->{headers}{'cache-control'}, 'max-age=30', 'it may be kept for a short time');
    my $tag = $first->{headers}{etag};
    like($tag, qr/\A"[\x21\x23-\x7e]+"\z/, 'it has a tag');
    for my $condition ($tag, "\"other\", $tag", "W/$tag", '*') {
        my $again = badge('green', { 'If-None-Match' => $condition });
        is($again->{status}, 304, "If-None-Match: $condition");
        is($again->{content} // '', '', '... nothing is sent again');
        is($again->{headers}{etag}, $tag, '... ETag');
        is($again->{headers}{'cache-control'}, 'max-age=30', '... Cache-Control');
    }
    is(badge('green', { 'If-None-Match' => '"other"' })->{status}, 200, 'another one');
    $sentinel->keepalive({ client_id => 'green', %good, dns_loc => 'FR' });
    my $changed = badge('green', { 'If-None-Match' => $tag });
    is($changed->{status}, 200, 'it changed');
    isnt($changed->{headers}{etag}, $tag, '... and so did its tag');
    like($changed->{content}, qr/DNS leak/, '... it is the new one');
    my $raw = $sentinel->raw("GET /dashboard/badge/green.svg HTTP/1.1\r\nHost: x\r\nIf-None-Match: $changed->{headers}{etag}\r\n"
            . "\r\nGET /dashboard/badge/green.svg HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    like($raw, qr{\AHTTP/1\.1 304 [^\r]*\r\n(?:[^\r]+\r\n)*\r\nHTTP/1\.1 200 }, 'on one connection, nothing is left behind');
    is(badge('green', {}, 'HEAD')->{content} // '', '', 'HEAD');
};

subtest 'no badge' => sub {
    my @paths = ('unknown.svg', 'green', 'green.png', 'green.svg/', 'green.svg.svg', '.svg', '%2e%2e.svg', 'a_b.svg',
        'x' x 101 . '.svg', '', 'client/green.svg', '<b>.svg', '%3Cb%3E.svg');
    for (@paths) {
        my $answer = $sentinel->request('GET', "/dashboard/badge/$_");
        like($answer->{status}, qr/\A40[04]\z/, "badge/$_");
        unlike($answer->{content}, qr/<svg/, '... no picture');
    }
    is($sentinel->request('GET', '/dashboard/badge')->{status}, 404, 'badge');
    my $answer = badge('green', {}, 'POST');
    is($answer->{status}, 405, 'POST');
    is($answer->{headers}{allow}, 'GET, HEAD', '... Allow');
    is($sentinel->request('GET', '/vpn/board/badge/green.svg', { port => 1 })->{status}, 200, 'below any dashboard');
};
$sentinel->check_error_log;

subtest 'unless they are wanted' => sub {
    for my $conf ('', "VPNSentinelBadges off\n") {
        my $other = Sentinel->start(ports => 2, conf => "$MOUNTS$conf");
        $other->keepalive({ client_id => 'green', %good });
        is($other->request('GET', '/dashboard/client/green')->{status}, 200, 'the client is there');
        is($other->request('GET', "/dashboard/badge/$_.svg")->{status}, 404, "... no badge of $_") for qw(green unknown);
        $other->check_error_log;
    }
};

subtest 'without a dashboard' => sub {
    my $other = Sentinel->start(conf => "VPNSentinelDashboard\nVPNSentinelBadges on\n",
        env => { VPN_SENTINEL_WEB_DASHBOARD_ENABLED => 'false' });
    $other->keepalive({ client_id => 'green', %good });
    is($other->request('GET', '/dashboard/badge/green.svg')->{status}, 404, 'no badge either');
    $other->check_error_log;
};

done_testing;
