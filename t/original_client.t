# What the original's released client sends, byte for byte, is accepted and understood.
use strict;
use warnings;
use utf8;

use Encode qw(encode_utf8);
use JSON::PP ();
use Test::More;

use Sentinel;

# It writes its JSON with a space behind each comma and colon.
my $report = '{"client_id": "de-1", "timestamp": "2026-11-22T07:03:55+0000", '
    . '"public_ip": "203.0.113.43", "status": "alive", "client_version": "1.1.4", '
    . '"location": {"country": "DE", "city": "München", "region": "California", '
    . '"org": "AS64500 Example Networks", "timezone": "America/Los_Angeles"}, '
    . '"dns_test": {"location": "DE", "colo": "SJC"}}';

sub request {
    my ($sentinel, $path, $body) = @_;
    my $bytes = encode_utf8($body);
    return join "\r\n", "POST $path HTTP/1.1",
        'Accept-Encoding: identity',
        'Content-Length: ' . length $bytes,
        'Host: 127.0.0.1:' . $sentinel->port,
        'User-Agent: Python-urllib/3.11',
        'Content-Type: application/json',
        'X-Api-Key: test-key-123',
        'Connection: close',
        '', $bytes;
}

sub is_accepted {
    my ($sentinel, $path, $body, $name) = @_;
    my @answers = $sentinel->exchange(request($sentinel, $path, $body));
    is(scalar @answers, 1, "$name: one answer");
    is($answers[0]{status}, 200, '... it is accepted');
    my $told = JSON::PP->new->decode($answers[0]{content});
    is($told->{message}, 'Keepalive received', '... and said to be');
}

sub is_understood {
    my ($sentinel, $expected, $name) = @_;
    my $client = $sentinel->client('de-1');
    my %told = map { $_ => $client->{$_} } keys %$expected;
    is_deeply(\%told, $expected, "$name: understood");
}

my %de_1 = (
    client_id => 'de-1', public_ip => '203.0.113.43', location => 'DE', city => 'München',
    region => 'California', country => 'DE', dns_loc => 'DE', dns_colo => 'SJC',
    provider => 'AS64500 Example Networks', timezone => 'America/Los_Angeles',
    client_version => '1.1.4', observed_ip => '127.0.0.1', vpn_connected => undef,
    public_ip6 => undef, ipv6_verdict => undef,
    dns_resolver_ip => undef, dns_source => undef, dns_path => undef, dns_verdict => undef, status => 'online', light => 'green',
    conditions => [],
);

# httpd itself drops slashes at the start; those within it keeps when it is told to.
for my $merge ('On', 'Off') {
    subtest "MergeSlashes $merge" => sub {
        my $sentinel = Sentinel->start(conf => "MergeSlashes $merge\n");
        my ($within) = $sentinel->exchange(request($sentinel, '/api/v1//keepalive', $report));
        is($within->{status}, $merge eq 'On' ? 200 : 404, 'slashes within the path');
        for my $path ('/api/v1/keepalive', '//api/v1/keepalive') {
            $sentinel->api('DELETE', '/clients/de-1');
            is_accepted($sentinel, $path, $report, $path);
            is_understood($sentinel, \%de_1, $path);
        }
        my $other_key = request($sentinel, '//api/v1/keepalive', $report) =~ s/test-key-123/other/r;
        my ($answer) = $sentinel->exchange($other_key);
        is($answer->{status}, 401, 'no guard is gone around');
        $sentinel->check_error_log;
    };
}

subtest 'variants' => sub {
    my $sentinel = Sentinel->start;
    my $escaped = $report =~ s/ü/\\u00fc/r;
    is_accepted($sentinel, '/api/v1/keepalive', $escaped, 'not ASCII as escapes');
    is_understood($sentinel, \%de_1, 'not ASCII as escapes');

    my %dns_unknown = (light => 'yellow', conditions => ['dns_unknown']);
    my %no_dns = (dns_loc => undef, %dns_unknown);
    my %leak = (dns_loc => 'US', light => 'yellow', conditions => ['dns_leak']);
    my %no_place = (location => undef, country => undef, %dns_unknown);
    my $dns_test = qr/("dns_test": )\{.*?\}/;
    my $dns_place = qr/("dns_test": \{"location": )"DE"/;
    my %variant = (
        'an empty DNS place' => [$dns_place, '""', \%no_dns],
        'an unknown DNS place' => [$dns_place, '"Unknown"', \%no_dns],
        'no DNS test' => [$dns_test, '{}', { %no_dns, dns_colo => undef }],
        'a leak' => [$dns_place, '"US"', \%leak],
        'an unknown place' => [qr/("country": )"DE"/, '"Unknown"', \%no_place],
        'an unknown address' => [qr/("public_ip": )"[^"]+"/, '"unknown"', { public_ip => undef }],
    );
    for my $name (sort keys %variant) {
        my ($pattern, $replacement, $expected) = @{ $variant{$name} };
        my $body = $report =~ s/$pattern/$1$replacement/r;
        isnt($body, $report, "$name: another report");
        is_accepted($sentinel, '/api/v1/keepalive', $body, $name);
        is_understood($sentinel, { %de_1, %$expected }, $name);
    }
    $sentinel->check_error_log;
};

done_testing;
