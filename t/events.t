# GET events: what was announced, newest first; what may be asked for, and what is refused.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use POSIX qw(strftime);
use Test::More;

use Sentinel;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $TIME = qr/\A(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z\z/;

# The list for a query; the newest event first.
sub events {
    my ($sentinel, $query) = @_;
    my ($status, $body) = $sentinel->api('GET', '/events' . ($query // ''));
    return $status == 200 ? @{ $body->{events} } : ();
}

# Sends a report and waits for the event that it causes.
sub announce {
    my ($sentinel, $kind, $report) = @_;
    my $before = () = events($sentinel, '?limit=1000');
    $sentinel->keepalive($report);
    my $announced = $sentinel->wait_for(sub {
        my @events = events($sentinel, '?limit=1000');
        return @events > $before && $events[0]{event} eq $kind;
    });
    ok($announced, "announced: $kind");
    return (events($sentinel))[0];
}

sub set_retention {
    my ($sentinel, $retention) = @_;
    $sentinel->write_file('retention.conf', "VPNSentinelEventRetention $retention\n");
    $sentinel->graceful;
}

my $sentinel = Sentinel->start(
    conf => "ErrorDocument 400 replaced\nInclude retention.conf\n",
    files => { 'retention.conf' => "VPNSentinelEventRetention 0\n" },
);
ok($sentinel->wait_for(sub { events($sentinel) }), 'the start of the server is the first event');

subtest 'the list' => sub {
    my %place = (location => 'Germany', city => 'Köln', provider => 'AT&T <x>', dns_colo => 'CGN');
    my %good = (client_id => 'office', %place, public_ip => '203.0.113.1', dns_loc => 'DE');
    my %moved = (%good, public_ip => '2001:DB8:0::2');
    announce($sentinel, connected => \%good);
    announce($sentinel, ip_changed => \%moved);
    announce($sentinel, dns_leak => { %moved, dns_loc => 'FR' });

    my (undef, $body, $answer) = $sentinel->api('GET', '/events');
    is($answer->{headers}{'content-type'}, 'application/json', 'Content-Type');
    is($answer->{headers}{'cache-control'}, 'no-store', 'Cache-Control');
    is(join(' ', sort keys %$body), 'count events', 'members');
    my @events = @{ $body->{events} };
    is($body->{count}, 4, 'count');
    is_deeply([ map { $_->{event} } @events ], [qw(dns_leak ip_changed connected server_started)],
        'newest first');
    is_deeply([ map { $_->{client_id} } @events ], [ ('office') x 3, undef ],
        'of which client; null is the server');
    my @ids = map { $_->{id} } @events;
    is_deeply(\@ids, [ sort { $b <=> $a } @ids ], 'ids fall');
    is(scalar(grep { $_ > 0 } @ids), 4, 'and are positive');
    is(scalar(grep { $_->{time} =~ $TIME } @events), 4, 'times');
    my @titles = ('⚠️ DNS LEAK DETECTED: office', '🔄 IP Address Changed: office', '✅ VPN Connected! office');
    is_deeply([ map { $_->{message} =~ /\A(.*)\n/ } @events[ 0 .. 2 ] ], \@titles, 'messages');
    like($events[2]{message}, qr/^Provider: AT&T <x>$/m, 'as plain text');

    my %always = map { $_ => 1 } qw(id time event client_id message);
    my %known = (place => 'DE', city => 'Köln', provider => 'AT&T <x>', dns_colo => 'CGN');
    my @details = (
        { %known, to => '2001:db8::2', dns => 'FR', light => 'yellow' },
        { %known, from => '203.0.113.1', to => '2001:db8::2', dns => 'DE', light => 'green' },
        { %known, to => '203.0.113.1', dns => 'DE', light => 'green' },
    );
    for my $i (0 .. 2) {
        my %event = %{ $events[$i] };
        is(scalar(grep { exists $event{$_} } keys %always), 5, "$event{event}: always there");
        delete @event{ keys %always };
        is_deeply(\%event, $details[$i], '... what is known');
    }
};

subtest 'methods and guards' => sub {
    my (undef, undef, $answer) = $sentinel->api('HEAD', '/events');
    is($answer->{status}, 200, 'HEAD');
    is($answer->{headers}{'content-type'}, 'application/json', '... Content-Type');
    is($answer->{content} // '', '', '... no body');
    for my $method (qw(POST PUT DELETE)) {
        (undef, undef, $answer) = $sentinel->api($method, '/events');
        $sentinel->is_error($answer, 405, 'Method not allowed', $method);
        is($answer->{headers}{allow}, 'GET, HEAD', '... Allow');
    }
    is($sentinel->request('GET', '/api/v1/events')->{status}, 401, 'without a key');
    (undef, undef, $answer) = $sentinel->api('GET', '/events/1');
    $sentinel->is_error($answer, 404, 'Not found', 'a path below');
};

subtest 'client' => sub {
    announce($sentinel, connected => { client_id => 'office2' });
    is(scalar events($sentinel), 5, 'all');
    is_deeply([ map { $_->{client_id} } events($sentinel, '?client=office') ], [ ('office') x 3 ],
        'of one');
    is_deeply([ map { $_->{client_id} } events($sentinel, '?client=%6fffice%32') ], ['office2'],
        'percent-encoded');
    my (undef, $body) = $sentinel->api('GET', '/events?client=nobody');
    is_deeply($body, { events => [], count => 0 }, 'of one that there is not');
    $sentinel->api('DELETE', '/clients/office2');
    is(scalar events($sentinel, '?client=office2'), 1, 'of one that was removed');
};

subtest 'since' => sub {
    my @all = events($sentinel);
    my ($newest) = $all[0]{time} =~ $TIME;
    my $time = do {
        my @part = $newest =~ /(\d+)/g;
        local $ENV{TZ} = 'UTC';
        POSIX::tzset();
        POSIX::mktime(@part[ 5, 4, 3, 2 ], $part[1] - 1, $part[0] - 1900);
    };
    my $iso = sub { strftime('%Y-%m-%dT%H:%M:%S', gmtime $_[0]) };
    my %forms = (
        'seconds' => sub { $_[0] },
        'UTC' => sub { $iso->($_[0]) . 'Z' },
        'no zone' => sub { $iso->($_[0]) },
        'a fraction' => sub { $iso->($_[0]) . '.999Z' },
        'an offset' => sub { $iso->($_[0] + 7200) . '+02:00' },
        'an offset, encoded' => sub { $iso->($_[0] + 7200) =~ s/:/%3A/gr . '%2B0200' },
        'a negative offset' => sub { $iso->($_[0] - 19800) . '-0530' },
    );
    my $at = grep { $_->{time} eq $all[0]{time} } @all;
    for my $form (sort keys %forms) {
        my $since = sub { scalar events($sentinel, '?since=' . $forms{$form}->($_[0])) };
        is($since->($time), $at, "$form: not before");
        is($since->($time + 1), 0, '... none is later');
    }
    is(scalar events($sentinel, '?since=0'), scalar @all, 'since ever');
    is(scalar events($sentinel, '?since=9999-12-31T23:59:59Z'), 0, 'since the end of time');
};

subtest 'limit' => sub {
    my $clients = 120;
    my $bytes = join '', map {
        $sentinel->request_text('POST', '/register', qq({"client_id":"many-$_"}))
            . $sentinel->request_text('POST', '/keepalive', qq({"client_id":"many-$_"}))
    } 1 .. $clients;
    # httpd takes a hundred requests on one connection.
    my @requests = split /(?=POST )/, $bytes;
    while (my @some = splice @requests, 0, 80) {
        $sentinel->exchange(join '', @some);
    }
    my $all = $clients + 5;
    my $count = sub { scalar events($sentinel, $_[0]) };
    ok($sentinel->wait_for(sub { $count->('?limit=1000') == $all }), 'all are announced');
    is($count->(''), 100, 'a hundred when nothing is said');
    is($count->('?limit=1'), 1, 'one');
    is($count->('?limit=101'), 101, 'more');
    my @all = events($sentinel, '?limit=1000');
    is_deeply([ events($sentinel, '?limit=7') ], [ @all[ 0 .. 6 ] ], 'the newest');
    my %seen;
    $seen{ $_->{id} }++ for @all;
    is(scalar keys %seen, $all, 'each once');
    is($count->('?client=office&limit=2'), 2, 'of one client, behind all those');
    is($count->('?limit=5&limit=2'), 2, 'the last word counts');
    is($count->('?limit=3&other=x&limits=9&=&&Limit=1'), 3, 'what is not ours is let be');
};

subtest 'what is refused' => sub {
    my %bad = (
        client => [
            '', 'a%20b', 'a/b', 'a%2Fb', 'a_b', '%', '%zz', '%00', 'a%00', 'x' x 101, '%C3%A9',
        ],
        since => [
            '', 'yesterday', '-1', '+1', '1.5', '%20' . 1, '1%20', '253402300800', '9' x 30, '0x10',
            '2025-02-29T00:00:00Z', '2025-01-15', '2025-01-15T12:34:56%2', '2025-01-15%2012:34:56',
            '1%00', '2025-01-15T12:34:56Zx',
        ],
        limit => [ '', '0', '1001', '-1', '1e2', '10x', '%2B1', '99999999999999999999', '1%00' ],
    );
    for my $name (sort keys %bad) {
        for my $value (undef, @{ $bad{$name} }) {
            my $query = defined $value ? "$name=$value" : $name;
            for my $whole ("?$query", "?x=1&$query&limit=5") {
                my (undef, undef, $answer) = $sentinel->api('GET', "/events$whole");
                my $message =
                    $sentinel->is_error($answer, 400, 'Bad request', substr $whole, 0, 60);
                like($message, qr/\A$name must be /, '... names it');
            }
        }
    }
};

subtest 'text of clients' => sub {
    my $text = qq(\x{202e}"'\\ <b>&amp; \x{2028}\x{1f600});
    my $event = announce($sentinel,
        connected => { client_id => 'hostile', city => $text, provider => "\$(x) $text" });
    is($event->{city}, $text, 'is as it was sent');
    is($event->{provider}, "\$(x) $text", '... in each member');
    like($event->{message}, qr/^Location: \Q$text\E/m, '... and in the message');
};

subtest 'what a leak was judged by' => sub {
    my %good = (client_id => 'verdicts', public_ip => '203.0.113.4', location => 'DE', dns_loc => 'DE',
        public_ip6 => '2001:db8::4', dns_verdict => 'tunnel', ipv6_verdict => 'tunnel');
    my %leak = (dns_verdict => 'leak', dns_path => 'outside', dns_resolver_ip => '198.51.100.53');
    announce($sentinel, connected => \%good);
    my $event = announce($sentinel, dns_leak => { %good, %leak });
    is($event->{$_}, $leak{$_}, $_) for sort keys %leak;
    like($event->{message}, qr/^DNS goes past the tunnel, resolver 198\.51\.100\.53$/m, 'in words');
    $event = announce($sentinel, ipv6_leak => { %good, %leak, ipv6_verdict => 'leak' });
    is($event->{ipv6_verdict}, 'leak', 'ipv6_verdict');
    is($event->{public_ip6}, '2001:db8::4', 'public_ip6');
    is($event->{dns_verdict}, undef, 'nothing of DNS');
    like($event->{message}, qr/^IPv6 goes past the tunnel$/m, 'in words');
    like($event->{message}, qr/^Public IPv6: 2001:db8::4$/m, '... with the address');
    is($event->{light}, 'red', 'light');
    my (undef, $client) = $sentinel->api('GET', '/clients/verdicts');
    is_deeply($client->{conditions}, [qw(dns_leak ipv6_leak)], 'conditions');
    announce($sentinel, ipv6_leak_over => { %good, %leak, ipv6_verdict => 'blocked' });
    announce($sentinel, dns_leak_over => { %good, ipv6_verdict => 'blocked' });
    (undef, $client) = $sentinel->api('GET', '/clients/verdicts');
    is($client->{light}, 'green', 'all over');
};

subtest 'over a reload and a restart' => sub {
    my @before = events($sentinel, '?limit=1000');
    $sentinel->graceful;
    is_deeply([ events($sentinel, '?limit=1000') ], \@before, 'all are there after a graceful');
    $sentinel->stop;
    $sentinel->start_again;
    my $read = sub { events($sentinel, '?limit=1000') > @before };
    ok($sentinel->wait_for($read), 'all are read after a stop, and one is new');
    my @after = events($sentinel, '?limit=1000');
    is((shift @after)->{event}, 'server_started', 'the start');
    is_deeply(\@after, \@before, 'the others are the same');
};

subtest 'old ones' => sub {
    cmp_ok(scalar events($sentinel, '?client=office'), '==', 3, 'are there when kept for ever');
    set_retention($sentinel, '1h');
    cmp_ok(scalar events($sentinel, '?client=office'), '==', 3, 'are there while young');
    set_retention($sentinel, 1);
    ok($sentinel->wait_for(sub { !events($sentinel, '?client=office&since=0') }),
        'are not shown any more when they are too old');
};
$sentinel->stop;
$sentinel->check_error_log;

done_testing;
