# Webhooks: each event, in order, signed, whatever the receiver answers: none is lost, none is sent twice
# without a reason, and the URL is never told.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use Sentinel;
use WebhookReceiver;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $SILENT = 2;    # seconds that a receiver asks to wait
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
        conf => "VPNSentinelHealth\nVPNSentinelDashboard\nVPNSentinelMetrics\n" . join('', map { $_->conf } @receiver),
        files => { map { %{ $_->files } } @receiver },
        log_level => 'info vpnsentinel:trace8',
    );
}

# Nothing that is secret can be read anywhere.
sub ends_well {
    my ($httpd, @allowed) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $shown = join '', map { $httpd->request('GET', $_)->{content} } qw(/dashboard /health/ready);
    $shown .= JSON::PP->new->encode([ $httpd->webhooks ]);
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
    $receiver->is_told($httpd, 3, 'well');
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
        my @message = $receiver->is_told($httpd, 3, $name);
        my $more = $name =~ $AT_ONCE ? 0 : $fault->{times};
        is(@message - $receiver->events, $more, "it is sent again $more times, no more");
        is((grep { $_->{id} eq $message[0]{id} } @message), 1 + $more, '... the first one, under its id');
        ok(!(grep { !$_->{is_signed} } @message), 'all are signed');
        cmp_ok($message[1]{came} - $message[0]{came}, '>=', $SILENT, 'it waits as it was asked to')
            if $fault->{header} && $fault->{header}{'Retry-After'};
        is($receiver->requests('none'), 0, 'nothing else is asked');
        ok($httpd->wait_for(sub { !(grep { $_->{queued} } $httpd->webhooks) }), 'nothing waits');
        my $webhook = $httpd->webhook;
        is_deeply([ @$webhook{qw(host queued oldest last_error)} ], [ '127.0.0.1', 0, undef, undef ],
            'the status says so');
        my $metrics = $httpd->request('GET', '/metrics')->{content};
        like($metrics, qr/^vpnsentinel_webhook_$_$/m, "the metrics have $_")
            for 'sent_total 3', "failed_total $more", 'dropped_total 0', 'queued 0';
        like($webhook->{last_success}, qr/\A\d{4}-.*Z\z/, '... and when it was');
        ends_well($httpd);
    };
}

subtest 'refused' => sub {
    for my $status (400, 401, 404, 410) {
        my $receiver = WebhookReceiver->start(secret => 'a text of some length');
        $receiver->fail(status => $status, times => 1);
        my $httpd = started($receiver);
        ok($httpd->wait_for(sub { ($httpd->webhook->{last_error} // '') eq "HTTP $status" }),
            "$status: the status tells");
        ok($httpd->wait_for(sub { $httpd->webhook->{queued} == 1 }), '... what waits');
        is(() = $httpd->error_log =~ /VPNS0065: .* 127\.0\.0\.1 .*HTTP $status/g, 1, '... the error log too');
        like($httpd->request('GET', '/health/ready', { headers => { Accept => 'application/json' } })->{content},
            qr/"webhooks":"1 queued: 127\.0\.0\.1: HTTP $status"/, '... and readiness');
        like($httpd->request('GET', '/dashboard')->{content} =~ s/<[^>]*>/ /gr,
            qr/Webhook +127\.0\.0\.1 +1 queued, the oldest .*\( HTTP $status \)/, '... and the dashboard');
        is($receiver->messages, 1, 'it is not tried again and again');
        my ($monitor) = $httpd->monitors;
        $httpd->graceful;
        $httpd->wait_for_monitor($monitor);
        ok($httpd->wait_for(sub { $httpd->webhook->{queued} == 0 }), 'a reload tries it again');
        my @message = $receiver->is_told($httpd, 1, '... and delivers it');
        is($message[0]{id}, $message[1]{id}, '... under its id');
        ok(!(grep { !$_->{is_signed} } @message), '... signed, with a secret that is a text');
        ends_well($httpd, @TOLD);
    }
};

done_testing;
