# Twenty thousand clients: the list is complete and streamed; a full registry refuses new ones only.
use strict;
use warnings;

use Test::More;

use Sentinel;

my $CLIENTS = 20_000;
my $AT_ONCE = 100;  # requests on one connection: httpd's MaxKeepAliveRequests

my $sentinel = Sentinel->start(
    # All are online to the end, however long it takes.
    conf => "Include limit.conf\nErrorDocument 503 replaced\nVPNSentinelOfflineThreshold 1d\n",
    files => { 'limit.conf' => "VPNSentinelMaxClients $CLIENTS\n" },
);

sub set_limit {
    my ($limit) = @_;
    my $path = $sentinel->root . '/limit.conf';
    open(my $file, '>', $path) or die "$path: $!";
    print {$file} "VPNSentinelMaxClients $limit\n";
    close $file or die "$path: $!";
    $sentinel->graceful;
}

sub keepalive_text {
    my ($number) = @_;
    my $country = $number % 2 ? 'US' : 'DE';
    my $place = qq("city":"city $number","location":"DE","dns_loc":"$country");
    return $sentinel->request_text('POST', '/keepalive', qq({"client_id":"client-$number",$place}));
}

# One client as it stands in the list: an object without objects in it, strict JSON.
my $text = qr/"[^"\\\x00-\x1f]*"/;
my $value = qr/null|true|false|\d+|$text|\[(?:$text(?:,$text)*)?\]/;
my $object = qr/\{$text:$value(?:,$text:$value)*\}/;

# Reads the whole list by its grammar: JSON::PP would take long for ten megabytes.
sub read_list {
    my ($content) = @_;
    my %city;
    $content =~ /\A\{"clients":\[/gc or return;
    while ($content =~ /\G($object)/gc) {
        my $client = $1;
        my ($id) = $client =~ /\A\{"client_id":"([^"]+)"/;
        return if exists $city{$id};
        ($city{$id}) = $client =~ /"city":"([^"]+)"/;
        last if $content !~ /\G,(?=\{)/gc;
    }
    $content =~ /\G\],"count":(\d+)\}\z/gc or return;
    return ($1, \%city);
}

# The answer, not decoded.
sub listing {
    my ($query) = @_;
    return $sentinel->request('GET', "/api/v1/clients$query",
        { headers => { 'X-API-Key' => $Sentinel::KEY } });
}

sub is_complete {
    my ($count, $name) = @_;
    my $answer = listing('');
    my ($told, $cities) = read_list($answer->{content});
    is($told, $count, "$name: count");
    is(scalar keys %{ $cities // {} }, $count, "$name: each once");
    return ($answer, $cities);
}

subtest 'filling' => sub {
    my %statuses;
    for (my $first = 1; $first <= $CLIENTS; $first += $AT_ONCE) {
        my @numbers = $first .. $first + $AT_ONCE - 1;
        my @answers = $sentinel->exchange(join '', map { keepalive_text($_) } @numbers);
        $statuses{ $_->{status} }++ for @answers;
    }
    is_deeply(\%statuses, { 200 => $CLIENTS }, 'all keepalives are accepted');
};

subtest 'the list' => sub {
    my ($answer, $city) = is_complete($CLIENTS, 'all');
    is($answer->{status}, 200, 'status');
    is($answer->{headers}{'transfer-encoding'}, 'chunked', 'it is streamed');
    ok(!exists $answer->{headers}{'content-length'}, '... without Content-Length');
    is($answer->{headers}{'content-type'}, 'application/json', 'Content-Type');
    my @wrong = grep { ($city->{"client-$_"} // '') ne "city $_" } 1 .. $CLIENTS;
    is_deeply(\@wrong, [], 'each has its own report');

    my ($count) = read_list(listing('?status=online')->{content});
    is($count, $CLIENTS, 'all are online');
    is(listing('?status=offline')->{content}, '{"clients":[],"count":0}', 'none is offline');

    my (undef, undef, $head) = $sentinel->api('HEAD', '/clients');
    is($head->{status}, 200, 'HEAD');
    is($head->{content} // '', '', '... no body');

    my (undef, $status) = $sentinel->api('GET', '/status');
    my %states = (total => $CLIENTS, online => $CLIENTS, offline => 0);
    my %lights = (green => $CLIENTS / 2, yellow => $CLIENTS / 2, red => 0, grey => 0);
    is_deeply($status->{clients}, { %states, %lights, max => $CLIENTS }, 'the census');
};

sub is_full {
    my ($name) = @_;
    for my $path ('/keepalive', '/register') {
        my (undef, undef, $answer) =
            $sentinel->api('POST', $path, { content => { client_id => 'one-more' } });
        $sentinel->is_error($answer, 503, 'Registry full', "$name: $path of a new client");
    }
    ok(!$sentinel->client('one-more'), '... it is not there');
    my ($status) = $sentinel->keepalive({ client_id => 'client-1', city => 'city 1' });
    is($status, 200, '... a known client goes on');
}

subtest 'full' => sub {
    is_full('full');
    $sentinel->api('DELETE', '/clients/client-2');
    my ($status) = $sentinel->keepalive({ client_id => 'one-more', city => 'x' });
    is($status, 200, 'a removed client makes room');
    ($status) = $sentinel->keepalive({ client_id => 'client-2' });
    is($status, 503, 'for one');
    my (undef, $city) = is_complete($CLIENTS, 'after that');
    ok(exists $city->{'one-more'}, 'the new one is listed');
    ok(!exists $city->{'client-2'}, 'the removed one is not');
    $sentinel->api('DELETE', '/clients/one-more');
};

subtest 'a lower limit by graceful' => sub {
    set_limit(10);
    is_complete($CLIENTS - 1, 'all are kept');
    is_full('full');
    my (undef, $status) = $sentinel->api('GET', '/status');
    is($status->{clients}{max}, 10, 'the limit is told');
    $sentinel->api('DELETE', '/clients/client-4');
    is_full('still full');
};

subtest 'a higher limit by graceful' => sub {
    set_limit($CLIENTS + 5);
    my ($status) = $sentinel->keepalive({ client_id => 'one-more', city => 'x' });
    is($status, 200, 'there is room again');
    is_complete($CLIENTS - 1, 'all are kept');
};

$sentinel->check_error_log;

done_testing;
