# Many alerts at once, and the same again and again: digests instead of a flood, in which nothing is
# lost; and the pace of all messages.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use List::Util qw(max sum0);
use Test::More;

use AlertText;
use BotApi;
use Sentinel;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $OWN = '198.51.100.7';
my ($CONNECTED, $OFFLINE, $STARTED) =
    ('✅ VPN Connected!', '❌ Client Offline', '🚀 VPN Sentinel Started');
my ($LEAK, $OVER) = ('⚠️ DNS LEAK DETECTED', '✅ DNS Leak Over');
my ($BYPASS, $DOWN, $MOVED) =
    ('⚠️ VPN BYPASS WARNING', '🔴 VPN Disconnected', '🔄 IP Address Changed');

my $FLEET = 10_000;
my $AT_ONCE = 100;     # requests on one connection: httpd's MaxKeepAliveRequests
my $CALM = 130;        # seconds after which a client that flapped is calm
my $MINUTE_MAX = 20;   # messages
my $PATIENCE = 180;    # seconds for a storm to be told

# The alerts from this one on, read; tests that they can be.
sub alerts_from {
    my ($bot, $first) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @message = $bot->alerts;
    my @alert = map { AlertText::parse($_->{plain}) } @message[ $first .. $#message ];
    is_deeply([ map { @{ $_->{odd} } } @alert ], [], 'the alerts can be read');
    return @alert;
}

# "CLIENT TITLE COUNT; ...": who is named, in order.
sub told {
    return join '; ', map { "$_->{client} $_->{title} $_->{count}" } map { @{ $_->{told} } } @_;
}

# The Bot API's limits: a message a second, 20 a minute.
sub is_paced {
    my ($bot) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @time = map { $_->{time} } $bot->requests('sendMessage');
    my @hurried = grep { $time[$_] < $time[ $_ - 1 ] + 1 } 1 .. $#time;
    is(scalar @hurried, 0, 'never two messages within a second');
    my @in_minute = map {
        my $begin = $_;
        scalar grep { $_ >= $begin && $_ < $begin + 60 } @time;
    } @time;
    cmp_ok(max(@in_minute), '<=', $MINUTE_MAX, 'nor too many within a minute');
}

sub ends_well {
    my ($httpd) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $httpd->stop;
    $httpd->check_error_log;
}

# Waits until so many events are announced and all alerts are with the bot.
sub wait_until_told {
    my ($bot, $httpd, $events) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok($httpd->wait_for(sub { $httpd->events >= $events }), "$events events");
    ok($httpd->wait_for(sub {
        $events <= sum0(map { AlertText::parse($_->{plain})->{total} } $bot->alerts);
    }), '... are told');
}

# One that is asked all the time while the rest of this file runs.
my $busy = BotApi->start;
my $busy_httpd = Sentinel->start(conf => $busy->conf);
$busy->say('/ping') for 1 .. 2 * $MINUTE_MAX;

subtest 'digests' => sub {
    my $bot = BotApi->start;
    my $httpd = Sentinel->start(conf => $bot->conf . "VPNSentinelServerPublicIP $OWN\n");
    my %good = (location => 'DE', dns_loc => 'DE', public_ip => '203.0.113.1');
    wait_until_told($bot, $httpd, 1);
    is(told(alerts_from($bot, 0)), " $STARTED 1", 'the start');
    is(($bot->alerts)[0]{silent}, 1, '... silently');

    $bot->leave;
    $httpd->keepalive({ client_id => $_, %good }) for qw(a b c);
    $httpd->keepalive({ client_id => 'a', %good, public_ip => $OWN });
    $httpd->keepalive({ client_id => 'b', %good, dns_loc => $_ }) for qw(FR DE FR);
    $httpd->wait_for(sub { $httpd->events == 9 });
    $bot->come_back;
    wait_until_told($bot, $httpd, 9);
    my @digest = alerts_from($bot, 1);
    is(scalar @digest, 1, 'what waited is one message');
    is(told(@digest), "a $BYPASS 1; b $LEAK 2; b $OVER 1; b $CONNECTED 1; a $MOVED 1; "
        . "a $CONNECTED 1; c $CONNECTED 1", '... the worst first');
    is_deeply($digest[0]{flapping}, ['b'], '... who does the same again is told in one line');
    my (undef, $status) = $httpd->api('GET', '/status');
    my %clients = map { $_ => $status->{clients}{$_} } qw(green yellow red grey total);
    is_deeply($digest[0]{fleet}, \%clients, '... it tells how all clients are');
    my ($message) = ($bot->alerts)[-1];
    is_deeply([ @$message{qw(silent preview_off parse_mode)} ], [ 0, 1, 'HTML' ], '... aloud');

    $bot->leave;
    $httpd->keepalive({ client_id => $_, %good }) for qw(d e f g);
    $httpd->wait_for(sub { $httpd->events == 13 });
    $bot->come_back;
    wait_until_told($bot, $httpd, 13);
    @digest = alerts_from($bot, 2);
    is(told(@digest), join('; ', map { "$_ $CONNECTED 1" } qw(d e f g)), 'good news only');
    is(($bot->alerts)[-1]{silent}, 1, '... silently');
    $httpd->keepalive({ client_id => 'g', %good, vpn_connected => JSON::PP::false });
    wait_until_told($bot, $httpd, 14);
    is(($bot->alerts)[-1]{plain}, ($httpd->events)[-1]{message}, 'a single alert is told whole');
    is(($bot->alerts)[-1]{silent}, 0, '... aloud');
    is_paced($bot);
    ends_well($httpd);
};

# Has all of the fleet report, and returns.
sub report_fleet {
    my ($httpd) = @_;
    my @text = map { $httpd->request_text('POST', '/keepalive', qq({"client_id":"client-$_"})) }
        1 .. $FLEET;
    my $refused = 0;
    while (my @some = splice @text, 0, $AT_ONCE) {
        $refused += grep { $_->{status} != 200 } $httpd->exchange(join '', @some);
    }
    return is($refused, 0, "$FLEET clients report");
}

# All come within some seconds, and all are gone some seconds later.
subtest 'a storm' => sub {
    my $bot = BotApi->start;
    my $httpd = Sentinel->start(conf => $bot->conf
        . "VPNSentinelMaxClients $FLEET\nVPNSentinelOfflineThreshold 10\n");
    report_fleet($httpd);
    my %count;
    my $is_told = sub {
        %count = ();
        for my $alert (map { AlertText::parse($_->{plain}) } $bot->alerts) {
            $count{$_} += $alert->{counts}{$_} for keys %{ $alert->{counts} };
        }
        return sum0(values %count) >= 2 * $FLEET + 1;
    };
    ok($httpd->wait_for($is_told, $PATIENCE), 'all is told');
    is_deeply(\%count, { $CONNECTED => $FLEET, $OFFLINE => $FLEET, $STARTED => 1 },
        'nothing is lost or told twice');
    my @alert = alerts_from($bot, 0);
    diag(@alert . ' messages');
    is_paced($bot);
    my $answer = $bot->wait_for_reply($bot->say('/status'));
    like($answer->{plain}, qr/^⚫ $FLEET grey/m, 'the status counts them');
    my $named = () = $answer->{plain} =~ /^⚫ client-\d+/mg;
    my ($more) = $answer->{plain} =~ /^… and (\d+) more/m;
    is($named + $more, $FLEET, '... names some and counts the rest') or diag $answer->{plain};
    ok($httpd->wait_for(sub { $httpd->telegram->{queued} == 0 }), 'nothing waits');
    ends_well($httpd);
};

subtest 'flapping' => sub {
    my $bot = BotApi->start;
    my $httpd = Sentinel->start(clock => 1, conf => $bot->conf . "VPNSentinelFlapThreshold 3\n");
    my %good = (client_id => 'a', location => 'DE', public_ip => '203.0.113.1');
    my $events = 1;
    my $report = sub {
        my (%more) = @_;
        $httpd->keepalive({ %good, dns_loc => 'DE', %more });
        $events++;
        return $httpd->wait_for(sub { $httpd->events == $events });
    };
    my $flap = sub { $report->(dns_loc => 'FR') && $report->() };
    my $is_held = sub {
        my ($alerts) = @_;
        ok($httpd->wait_for(sub { $httpd->telegram->{queued} == 2 }), '... two alerts wait');
        # Alerts that may go have their turn between answers.
        ok($bot->wait_for_reply($bot->say('/ping')), '... the bot is well') for 1 .. 3;
        is($bot->alerts, $alerts, '... and tells nothing of them');
    };

    $report->();
    for (1 .. 3) {
        $report->(dns_loc => 'FR');
        wait_until_told($bot, $httpd, $events);
        $report->();
        wait_until_told($bot, $httpd, $events);
    }
    is($bot->alerts, $events, 'three times: each is told by itself');
    my @noted = grep { $_->{plain} =~ /^🔁 Flapping: 3 times in /m } $bot->alerts;
    is(scalar @noted, 1, '... and the third says that it flaps');
    like($noted[0]{plain}, qr/\A$LEAK: a$/m, '... the trouble does') if @noted;

    ok($flap->(), 'once more');
    $is_held->($events - 2);
    $report->(dns_loc => 'DE', vpn_connected => JSON::PP::false);
    my $before = $bot->alerts;
    wait_until_told($bot, $httpd, $events);
    is(told(alerts_from($bot, $before)), "a $DOWN 1; a $LEAK 1; a $OVER 1",
        'another trouble is told at once, with what was held');

    $before = $bot->alerts;
    $report->(vpn_connected => JSON::PP::true);
    wait_until_told($bot, $httpd, $events);
    is($bot->alerts, $before + 1, 'so is its end');
    ok($flap->(), 'once more');
    $is_held->($before + 1);
    $httpd->step_clock($CALM);
    $bot->say('/ping');
    wait_until_told($bot, $httpd, $events);
    is(told(alerts_from($bot, $before + 1)), "a $LEAK 1; a $OVER 1", 'when it is calm, it is told');
    is_paced($bot);
    ends_well($httpd);
};

subtest 'a busy chat' => sub {
    ok($busy->wait_for_messages($MINUTE_MAX + 1), 'messages of more than a minute');
    is_paced($busy);
    ends_well($busy_httpd);
};

done_testing;
