# Perl's Gearman::Client and Gearman::Worker.
use strict;
use warnings;
use Gearman::Client;
use Gearman::Worker;

my ($command, $host, $port, $queue, $body) = @ARGV;
my $server = "$host:$port";

if ($command eq 'receive') {
    my $worker = Gearman::Worker->new(job_servers => [$server]);
    my $done   = 0;
    $worker->register_function($queue => sub { 'got ' . $_[0]->arg });
    $worker->work(on_complete => sub { $done = 1 }, stop_if => sub { $done });
    exit;
}

my $client = Gearman::Client->new(job_servers => [$server]);
if ($command eq 'submit') {
    $client->dispatch_background($queue => $body) or die "not submitted\n";
    exit;
}

my $answer = $client->do_task($queue => $body, { on_fail => sub { die "failed\n" } });
print $$answer;
