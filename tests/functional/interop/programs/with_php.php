<?php
// PHP's extension, which is made on libgearman.
[, $command, $host, $port, $queue] = $argv;

function fail(string $text): void
{
    fwrite(STDERR, $text);
    exit(1);
}

if ($command === 'receive') {
    $worker = new GearmanWorker();
    $worker->addServer($host, (int) $port);
    $worker->addFunction($queue, fn (GearmanJob $job) => 'got ' . $job->workload());
    $worker->work() || fail($worker->error());
    exit(0);
}

$client = new GearmanClient();
$client->addServer($host, (int) $port);
if ($command === 'submit') {
    $client->doBackground($queue, $argv[5]);
    $client->returnCode() === GEARMAN_SUCCESS || fail($client->error());
    exit(0);
}

$reason = '';
$client->setExceptionCallback(function (GearmanTask $task) use (&$reason) {
    $reason = $task->data();
});
$client->setFailCallback(function (GearmanTask $task) use (&$reason) {
    $reason = $reason ?: 'failed';
});
$client->setCompleteCallback(function (GearmanTask $task) {
    echo $task->data();
});
$client->addTask($queue, $argv[5]);
$client->runTasks() || fail($client->error());
$reason === '' || fail($reason);
