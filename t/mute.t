# Muted alerts are recorded, not sent; when the mute is over, one digest tells them all.
use strict;
use warnings;
use utf8;

use Test::More;
use Time::Local qw(timegm);

use AlertText;
use BotApi;
use Sentinel;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my @KILLED = (qr/VPNS\d+: the monitor/, qr/exit signal Killed/);
my $SLACK = 30;    # seconds between a command and a look at what it did

# A bot and a server that has told of its start.
sub start {
    my (%more) = @_;
    my $bot = BotApi->start;
    my $httpd = Sentinel->start(%more, conf => $bot->conf . ($more{conf} // ''));
    $bot->wait_for_messages(1);
    return ($bot, $httpd);
}

sub ask {
    my ($bot, $text) = @_;
    my $answer = $bot->wait_for_reply($bot->say($text)) // {};
    return $answer->{plain} // '';
}

# Seconds from now until the alerts are muted; undef when they are not.
sub muted_for {
    my ($httpd) = @_;
    my $until = $httpd->telegram->{muted_until} // return;
    my @part = $until =~ /\A(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)Z\z/ or return;
    return timegm(@part[ 5, 4, 3, 2 ], $part[1] - 1, $part[0]) - time;
}

# Has a client's address change so often.
sub change {
    my ($httpd, $id, $times) = @_;
    my $before = $httpd->events($id);
    for my $number ($before + 1 .. $before + $times) {
        $httpd->keepalive({ client_id => $id, public_ip => "203.0.113.$number" });
    }
    return $httpd->wait_for(sub { $httpd->events($id) == $before + $times });
}

# "CLIENT TITLE COUNT" for all that was told since so many alerts.
sub told {
    my ($bot, $before) = @_;
    my @alerts = $bot->alerts;
    return sort map { "$_->{client} $_->{title} $_->{count}" }
        map { @{ AlertText::parse($_->{plain})->{told} } } @alerts[ $before .. $#alerts ];
}

# Tests that all alerts since are one digest that tells these clients' events.
sub is_one_digest {
    my ($bot, $httpd, $before, $total, $told) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok($httpd->wait_for(sub { $bot->alerts > $before && $httpd->telegram->{queued} == 0 }),
        'what waited is told');
    is($bot->alerts, $before + 1, '... in one message');
    my $digest = AlertText::parse(($bot->alerts)[-1]{plain});
    is_deeply($digest->{odd}, [], '... that can be read') or diag(($bot->alerts)[-1]{plain});
    is($digest->{total}, $total, '... which counts them all');
    is_deeply([ told($bot, $before) ], [ sort @$told ], '... and names them');
    like($digest->{muted} // 'no word', qr/\A\d+ (?:s|min|h|d)/, '... as what came during a mute');
    is($httpd->telegram->{oldest}, undef, 'nothing waits');
}

subtest 'muted' => sub {
    my ($bot, $httpd) = start();
    is($httpd->telegram->{muted_until}, undef, 'not at first');
    # With the date when that is tomorrow.
    like(ask($bot, '/mute 1h'), qr/🔕.*muted until (?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d/, 'it says so');
    ok(change($httpd, 'office', 3), 'what happens is recorded');
    ok(change($httpd, 'home', 2), '... of another client, too');
    ok($httpd->wait_for(sub { $httpd->telegram->{queued} == 5 }), '... and waits');
    my $until = $httpd->telegram->{muted_until};
    my $oldest = $httpd->telegram->{oldest};
    is($oldest, ($httpd->events('office'))[0]{time}, '... since the oldest');
    like(ask($bot, '/status'), qr/muted until .*\b5\b/, 'the bot answers, and says so');

    my %way = (
        'graceful' => sub { $httpd->graceful },
        'restart' => sub { $httpd->restart },
        'monitor killed' => sub { kill 'KILL', $httpd->monitors },
        'stop and start' => sub { $httpd->stop; $httpd->start_again },
        'everything killed' => sub { $httpd->crash; $httpd->start_again },
    );
    for my $name (sort keys %way) {
        my $polls = $bot->polls;
        $way{$name}->();
        ok($httpd->wait_for(sub { $bot->polls > $polls }), "$name: the bot is back");
        like(ask($bot, '/ping'), qr/Pong/, '... and answers');
        is($httpd->telegram->{muted_until}, $until, '... still muted');
    }
    is($bot->alerts, 1, 'no alert was sent');
    my $starts = $httpd->events('') - 1;
    ok($httpd->wait_for(sub { $httpd->telegram->{queued} == 5 + $starts }), 'all wait');
    is($httpd->telegram->{oldest}, $oldest, '... the oldest, too');

    like(ask($bot, '/unmute'), qr/🔔/, 'not muted any more');
    my ($connected, $moved) = ('✅ VPN Connected! 1', '🔄 IP Address Changed');
    is_one_digest($bot, $httpd, 1, 5 + $starts, [ "office $connected", "office $moved 2",
        "home $connected", "home $moved 1", (' 🚀 VPN Sentinel Started 1') x $starts ]);
    is($httpd->telegram->{muted_until}, undef, 'the status says so');
    my $messages = $bot->messages;
    change($httpd, 'office', 1);
    $bot->wait_for_messages($messages + 1);
    my $single = AlertText::parse(($bot->alerts)[-1]{plain});
    is($single->{text}, ($httpd->events('office'))[-1]{message}, 'alerts are sent again');
    $httpd->stop;
    $httpd->check_error_log(allow => \@KILLED);
};

# What happens does so in a long mute, which then becomes a short one: nothing has to be quick.
subtest 'for a while' => sub {
    my ($bot, $httpd) = start();
    like(ask($bot, '/mute 1h'), qr/muted until/, 'muted');
    change($httpd, 'office', 1);
    like(ask($bot, '/mute 3s'), qr/muted until/, '... for a while');
    is_one_digest($bot, $httpd, 1, 1, ['office ✅ VPN Connected! 1']);
    is($httpd->telegram->{muted_until}, undef, 'it is over');

    like(ask($bot, '/mute 1h'), qr/muted until/, 'again');
    ok(change($httpd, 'office', 1), '... something happens');
    like(ask($bot, '/mute 3s'), qr/muted until/, '... for a while');
    $httpd->stop;
    sleep 4;
    $httpd->start_again;
    $httpd->wait_for(sub { $bot->alerts >= 3 && $httpd->telegram->{queued} == 0 });
    is(scalar(grep { $_ eq 'office 🔄 IP Address Changed 1' } told($bot, 2)), 1,
        'it ends while httpd is stopped: told once');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'nothing happens' => sub {
    my ($bot, $httpd) = start();
    like(ask($bot, '/unmute'), qr/not muted/, 'not muted at all');
    like(ask($bot, '/mute'), qr/muted until/, 'muted');
    like(ask($bot, '/unmute'), qr/not muted/, 'not any more');
    like(ask($bot, '/ping'), qr/Pong/, '...');
    is($bot->alerts, 1, 'nothing is told');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'how long' => sub {
    my ($bot, $httpd) = start();
    my @table = (
        [ '/mute' => 3600 ], [ '/mute 30m' => 1800 ], [ '/mute 2h' => 7200 ],
        [ '/mute 1d' => 86400 ], [ '/mute 1h30m' => 5400 ],
    );
    for (@table) {
        my ($command, $seconds) = @$_;
        like(ask($bot, $command), qr/muted until/, $command);
        my $told = muted_for($httpd) // 0;
        ok($told <= $seconds && $told > $seconds - $SLACK, "... until then") or diag $told;
    }
    my $until = $httpd->telegram->{muted_until};
    for my $nonsense (qw(soon -1h 0 1x 1h30 99999999999999999999d), '1 h') {
        like(ask($bot, "/mute $nonsense"), qr/30m.*2h.*1d/, "$nonsense: it says what is allowed");
    }
    is($httpd->telegram->{muted_until}, $until, 'nonsense changes nothing');
    $httpd->stop;
    $httpd->check_error_log;
};

# The digest is an alert like others: what fails is sent again.
subtest 'the bot fails' => sub {
    my ($bot, $httpd) = start();
    ask($bot, '/mute 1h');
    change($httpd, 'office', 4);
    like(ask($bot, '/unmute'), qr/🔔/, 'not muted any more');
    $bot->fail(500, times => 2);
    $httpd->wait_for(sub { my @told = told($bot, 1); @told == 2 });
    is_deeply([ told($bot, 1) ], [ 'office ✅ VPN Connected! 1', 'office 🔄 IP Address Changed 3' ],
        'all is told, once');
    $httpd->stop;
    $httpd->check_error_log;
};

# The mute is as long as it was, and can be ended.
subtest 'the clock is set back' => sub {
    my ($bot, $httpd) = start(clock => 1);
    like(ask($bot, '/mute 1h'), qr/muted until/, 'muted');
    $httpd->step_clock(-86400);
    ok($httpd->wait_for(sub { (muted_for($httpd) // 0) < -80000 }), '... for no longer than it was to be');
    change($httpd, 'office', 1);
    sleep 2;    # one of no length is not told of
    like(ask($bot, '/unmute'), qr/not muted/, 'not any more');
    is_one_digest($bot, $httpd, 1, 1, ['office ✅ VPN Connected! 1']);
    is($httpd->telegram->{muted_until}, undef, 'the status says so');
    $httpd->stop;
    $httpd->check_error_log;
};

sub reload {
    my ($httpd) = @_;
    my ($monitor) = $httpd->monitors;
    $httpd->graceful;
    return $httpd->wait_for_monitor($monitor);
}

subtest 'no disk' => sub {
    my ($bot, $httpd) = start(conf => "VPNSentinelStateDir none\n");
    like(ask($bot, '/mute 1h'), qr/muted until/, 'muted');
    my $until = $httpd->telegram->{muted_until};
    my $kill = sub {
        my ($monitor) = $httpd->monitors;
        kill 'KILL', $monitor;
        return $httpd->wait_for_monitor($monitor);
    };
    for my $way (\&reload, $kill) {
        $way->($httpd);
        like(ask($bot, '/ping'), qr/Pong/, 'another monitor');
        is($httpd->telegram->{muted_until}, $until, '... still muted');
    }
    like(ask($bot, '/unmute'), qr/not muted/, 'not any more');
    reload($httpd);
    is($httpd->telegram->{muted_until}, undef, '... nor after a reload');
    $httpd->stop;
    $httpd->check_error_log(allow => \@KILLED);
};

subtest 'the disk comes back' => sub {
    my ($bot, $httpd) = start(conf => "VPNSentinelHealth /\n");
    my $state = $httpd->root . '/state';
    like(ask($bot, '/mute 1h'), qr/muted until/, 'muted');
    my $until = $httpd->telegram->{muted_until};
    $httpd->stop;
    rename $state, "$state.away" or die "rename: $!";
    open my $file, '>', $state or die "$state: $!";
    $httpd->start_again;
    $httpd->store_becomes('degraded', 'a start without the disk');
    unlink $state;
    rename "$state.away", $state or die "rename: $!";
    $httpd->store_becomes('ok', 'it is back');
    ok($httpd->wait_for(sub { ($httpd->telegram->{muted_until} // '') eq $until }), 'muted again');

    rename $state, "$state.away" or die "rename: $!";
    $httpd->store_becomes('degraded', 'it is away');
    like(ask($bot, '/unmute'), qr/not muted/, 'not muted any more');
    rename "$state.away", $state or die "rename: $!";
    reload($httpd);
    $httpd->store_becomes('ok', 'it is back');
    reload($httpd);
    is($httpd->telegram->{muted_until}, undef, 'and stays so');
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/VPNS0042: the store/, qr/VPNS0043/]);
};

done_testing;
