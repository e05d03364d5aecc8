# Webhooks: each event to each of them, in order, signed; whatever the receivers, the monitor or httpd do,
# none is lost, none is sent twice without a reason, and none delays another.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use BotApi;
use Sentinel;
use WebhookReceiver;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $SILENT = 2;    # seconds that a receiver asks to wait
my @KILLED = (qr/VPNS003[457]: /, qr/AH00052: child pid \d+ exit signal Killed/);
my @TOLD = qr/VPNS006[567]: /;

# What a request meets at first, and how many requests then; each case has a server of its own, all run at
# the same time.
my %case = (
    'well' => {},
    'HTTP 429' => { status => 429, times => 1, header => { 'Retry-After' => $SILENT } },
    'HTTP 503' => { status => 503, times => 1, header => { 'Retry-After' => $SILENT } },
    'HTTP 500' => { status => 500, times => 2 },
    'redirected' => { status => 307, times => 2, header => { Location => '/elsewhere' } },
    'garbage' => { garbage => 1, times => 2 },
    'dropped' => { drop => 1, times => 2 },
    'hanging' => { hang => 1, times => 1 },
    'slow' => { status => 200, slow => 1, times => 1 },
    'cut' => { status => 200, body => 'x' x 100, cut => 1, times => 1 },
    'endless' => { status => 200, body => 'x' x 1_000_000, times => 1 },
    'HTTP 204' => { status => 204, body => '' },
    'HTTP 202' => { status => 202, body => 'later' },
);
# Of these a request was enough, however it was answered.
my $AT_ONCE = qr/\A(?:well|cut|endless|slow|HTTP 20\d)\z/;

sub started {
    my (@receiver) = @_;
    return Sentinel->start(
        conf => "VPNSentinelHealth\nVPNSentinelDashboard\n" . join('', map { $_->conf } @receiver),
        files => { map { %{ $_->files } } @receiver },
        log_level => 'info vpnsentinel:trace8',
    );
}

sub webhooks {
    my ($httpd) = @_;
    my (undef, $status) = $httpd->api('GET', '/status');
    return @{ $status->{webhooks} };
}

# The first of them; the monitor tells of it when it has begun.
sub webhook {
    my ($httpd) = @_;
    return (webhooks($httpd))[0] // { queued => -1 };
}

# The events, as the API has them, have arrived, in order of recording; returns the messages.
sub is_delivered {
    my ($receiver, $httpd, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $httpd->wait_for(sub { $receiver->events >= (my @all = $httpd->events) });
    my @expected = map { $_->{id} } $httpd->events;
    my @event = map { $_->{event} } $receiver->events;
    is("@{[ map { $_->{id} } @event ]}", "@expected", "$name: each event, in order");
    return $receiver->messages;
}

# Nothing that is secret can be read anywhere.
sub ends_well {
    my ($httpd, @allowed) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $shown = join '', map { $httpd->request('GET', $_)->{content} } qw(/dashboard /health/ready);
    $shown .= JSON::PP->new->encode([ webhooks($httpd) ]);
    $httpd->stop;
    my @telling = grep { $httpd->read_file($_) =~ /$WebhookReceiver::TOKEN|$WebhookReceiver::KEY/ }
        map { substr $_, 1 + length $httpd->root } glob $httpd->root . '/{logs,state}/*';
    is("@telling", '', 'the URL is in no log and not in the store');
    unlike($shown, qr/$WebhookReceiver::TOKEN|$WebhookReceiver::KEY/, '... and nowhere to be seen');
    $httpd->check_error_log(allow => \@allowed);
}

my (%receiver, %httpd);
for my $name (sort keys %case) {
    $receiver{$name} = WebhookReceiver->start;
    $receiver{$name}->fail(%{ $case{$name} }) if %{ $case{$name} };
    $httpd{$name} = started($receiver{$name});
    $httpd{$name}->keepalive({ client_id => 'office', public_ip => $_, city => 'A & "B" <i>' })
        for qw(203.0.113.1 203.0.113.2);
}

subtest 'what is sent' => sub {
    my ($receiver, $httpd) = ($receiver{well}, $httpd{well});
    is_delivered($receiver, $httpd, 'well');
    my @api = $httpd->events;
    for my $message ($receiver->messages) {
        my %event = %{ $message->{event} };
        my $server = delete $event{server};
        is_deeply(\%event, shift @api, "$event{event}: as the API tells it");
        like($server->{incarnation}, qr/\A[0-9a-f]{16}\z/, '... with the server\'s incarnation');
        ok(length $server->{name}, '... and name');
        ok($message->{is_signed}, '... signed');
        like($message->{id}, qr/\Amsg_[0-9a-f]{32}\z/, '... with an id');
        cmp_ok(abs($message->{time} - $message->{came}), '<', 60, '... and a time');
        is($message->{type}, 'application/json', '... as JSON');
    }
};

for my $name (sort keys %case) {
    subtest $name => sub {
        my ($receiver, $httpd, $fault) = ($receiver{$name}, $httpd{$name}, $case{$name});
        my @message = is_delivered($receiver, $httpd, $name);
        my $more = $name =~ $AT_ONCE ? 0 : $fault->{times};
        is(@message - $receiver->events, $more, "it is sent again $more times, no more");
        is((grep { $_->{id} eq $message[0]{id} } @message), 1 + $more, '... the first one, under its id');
        ok(!(grep { !$_->{is_signed} } @message), 'all are signed');
        cmp_ok($message[1]{came} - $message[0]{came}, '>=', $SILENT, 'it waits as it was asked to')
            if $fault->{header} && $fault->{header}{'Retry-After'};
        is($receiver->requests('none'), 0, 'nothing else is asked');
        ok($httpd->wait_for(sub { !(grep { $_->{queued} } webhooks($httpd)) }), 'nothing waits');
        my $webhook = webhook($httpd);
        is_deeply([ @$webhook{qw(host queued oldest last_error)} ], [ '127.0.0.1', 0, undef, undef ],
            'the status says so');
        like($webhook->{last_success}, qr/\A\d{4}-.*Z\z/, '... and when it was');
        ends_well($httpd);
    };
}

subtest 'refused' => sub {
    for my $status (400, 401, 404, 410) {
        my $receiver = WebhookReceiver->start(secret => 'a text of some length');
        $receiver->fail(status => $status, times => 1);
        my $httpd = started($receiver);
        ok($httpd->wait_for(sub { (webhook($httpd)->{last_error} // '') eq "HTTP $status" }),
            "$status: the status tells");
        is(webhook($httpd)->{queued}, 1, '... what waits');
        is(() = $httpd->error_log =~ /VPNS0065: .* 127\.0\.0\.1 .*HTTP $status/g, 1, '... the error log too');
        like($httpd->request('GET', '/health/ready', { headers => { Accept => 'application/json' } })->{content},
            qr/"webhooks":"1 queued: 127\.0\.0\.1: HTTP $status"/, '... and readiness');
        like($httpd->request('GET', '/dashboard')->{content} =~ s/<[^>]*>/ /gr,
            qr/Webhook +127\.0\.0\.1 +1 queued, the oldest .*\( HTTP $status \)/, '... and the dashboard');
        is($receiver->messages, 1, 'it is not tried again and again');
        my ($monitor) = $httpd->monitors;
        $httpd->graceful;
        $httpd->wait_for_monitor($monitor);
        ok($httpd->wait_for(sub { webhook($httpd)->{queued} == 0 }), 'a reload tries it again');
        my @message = is_delivered($receiver, $httpd, '... and delivers it');
        is($message[0]{id}, $message[1]{id}, '... under its id');
        ok(!(grep { !$_->{is_signed} } @message), '... signed, with a secret that is a text');
        ends_well($httpd, @TOLD);
    }
};

subtest 'one that hangs, beside others' => sub {
    my ($well, $hanging, $bot) = (WebhookReceiver->start(secret => undef), WebhookReceiver->start, BotApi->start);
    $hanging->fail(hang => 1);
    my $httpd = Sentinel->start(conf => $bot->conf . $hanging->conf . $well->conf, files => $hanging->files);
    $httpd->keepalive({ client_id => "c-$_" }) for 1 .. 3;
    $httpd->is_told($bot, 'Telegram is told');
    my @message = is_delivered($well, $httpd, 'the other one');
    is_deeply([ map { $_->{is_signed} } @message ], [ (undef) x 4 ], '... without a signature');
    is($hanging->messages, 1, 'it hangs at its first event');
    is_deeply([ map { $_->{queued} } webhooks($httpd) ], [ 4, 0 ], 'and has all before it');
    $bot->misbehave(sendMessage => { hang => 1 });
    $httpd->keepalive({ client_id => 'c-1', public_ip => '203.0.113.7' });
    $httpd->wait_for(sub { $bot->requests('sendMessage') > 4 });
    is_delivered($well, $httpd, 'Telegram hangs, too');
    $hanging->behave('hook');
    $_->behave('sendMessage') for $bot;
    is_delivered($hanging, $httpd, 'the one that hung');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'a mute is of the chat only' => sub {
    my ($receiver, $bot) = (WebhookReceiver->start, BotApi->start);
    my $httpd = Sentinel->start(conf => $bot->conf . $receiver->conf, files => $receiver->files);
    $bot->wait_for_messages(1);
    ok($bot->wait_for_reply($bot->say('/mute 1h')), 'muted');
    $httpd->keepalive({ client_id => 'office' });
    is(is_delivered($receiver, $httpd, 'muted'), 2, 'the webhook is told');
    is($bot->alerts, 1, 'the chat is not');
    $httpd->stop;
    $httpd->check_error_log;
};

# Whoever was killed in the middle of a request cannot know whether it was accepted.
for my $victim (qw(monitor everything)) {
    subtest "$victim is killed" => sub {
        my @receiver = map { WebhookReceiver->start } 1 .. 2;
        my $httpd = started(@receiver);
        my $reports = 0;
        for my $round (1 .. 4) {
            $httpd->keepalive({ client_id => "c-$_", public_ip => "203.0.113.$round" }) for 1 .. 4;
            my $seen = $receiver[0]->messages;
            $receiver[$round % 2]->fail(drop => 1, times => 1);
            $httpd->wait_for(sub { $receiver[0]->messages > $seen }, 10);
            if ($victim eq 'monitor') {
                my ($monitor) = $httpd->monitors;
                kill 'KILL', $monitor;
                ok($httpd->wait_for_monitor($monitor), "round $round: another monitor");
            } else {
                $httpd->crash;
                $httpd->start_again;
                ok($httpd->wait_for_monitor, "round $round: another server");
            }
        }
        $httpd->keepalive({ client_id => 'last' });
        $httpd->is_announced('last', 'connected', 'it goes on');
        for my $receiver (@receiver) {
            my @message = is_delivered($receiver, $httpd, 'after all');
            my %times;
            $times{ $_->{id} }++ for @message;
            cmp_ok(@message - keys %times, '<=', 8, 'repeats have a reason each');
            is_deeply([ grep { !$_->{is_signed} } @message ], [], 'all are signed');
        }
        ends_well($httpd, @KILLED, @TOLD);
    };
}

# Takes a line out of the configuration, or puts one in, and has httpd read it.
sub configure {
    my ($httpd, $before, $after) = @_;
    my $conf = $httpd->read_file('httpd.conf');
    $conf =~ s/\Q$before\E/$after/ or die "no $before";
    $httpd->write_file('httpd.conf', $conf);
    my ($monitor) = $httpd->monitors;
    $httpd->graceful;
    return $httpd->wait_for_monitor($monitor);
}

subtest 'they come and go' => sub {
    my ($first, $second) = map { WebhookReceiver->start } 1 .. 2;
    $first->leave;
    my $httpd = Sentinel->start(conf => $first->conf, files => { %{ $first->files }, %{ $second->files } });
    $httpd->keepalive({ client_id => 'office' });
    $httpd->is_announced('office', 'connected', 'an event');
    ok($httpd->wait_for(sub { webhook($httpd)->{queued} == 2 }), 'two events wait');
    configure($httpd, $first->conf, $second->conf);
    like($httpd->error_log, qr/VPNS0067: .*: 2$/m, 'the queue of one that is gone is removed, and told');
    $httpd->keepalive({ client_id => 'later' });
    ok($httpd->wait_for(sub { $second->events == 1 }), 'a new one is told what is new');
    is(($second->events)[0]{event}{client_id}, 'later', '... and no history');
    $first->come_back;
    configure($httpd, $second->conf, $first->conf);
    $httpd->keepalive({ client_id => 'last' });
    ok($httpd->wait_for(sub { $first->events == 1 }), 'the first one is back');
    is(($first->events)[0]{event}{client_id}, 'last', '... and told what is new');
    $httpd->stop;
    $httpd->check_error_log(allow => [@TOLD]);
};

done_testing;
